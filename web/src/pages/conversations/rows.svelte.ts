// The list of conversations: read by pages, kept true by events, and never moved under the pointer.
import { words } from '../../lib/format';
import type { Conversation } from '../../lib/native';
import { oneAtATime } from '../../lib/one-at-a-time';
import { firstFull } from '../../lib/paged.svelte';
import { plainLine } from '../../lib/shown-native';

export type Row = {
  key: string;
  customerId: string;
  customer: string;
  sender: string | null;
  name: string;
  channel: 'whatsapp' | 'messenger';
  open: boolean;
  openUntil: string | null;
  /** Whether the customer had the last word. */
  unanswered: boolean;
  last: { id: string; direction: string; status: string; at: string; text: string } | null;
};

export type Filter = { q: string; state: '' | 'open' | 'closing' | 'closed'; channel: '' | 'whatsapp' | 'messenger'; sender: string };

/** Conversations that are read at once; a search finds no more people. */
export const PAGE = 100;
/** Under this many milliseconds left, a session is closing. */
export const CLOSING = 2 * 3_600_000;

const keyOf = (customerId: string, sender: string | null) => `${customerId}/${sender ?? ''}`;

const ofConversation = (c: Conversation): Row => ({
  key: keyOf(c.customerId, c.sender),
  customerId: c.customerId,
  customer: c.customer,
  sender: c.sender,
  name: c.name ?? c.username ?? c.customer,
  channel: c.channel,
  open: c.session.open,
  openUntil: c.session.openUntil,
  unanswered: c.unanswered,
  last: c.lastMessage && { ...c.lastMessage, text: plainLine(c.lastMessage.text ?? words(c.lastMessage.type)) },
});

const moment = (r: Row) => r.last?.at ?? r.openUntil ?? '';

export class Rows {
  all = $state.raw<Row[]>([]);
  /** Conversations in which something new was said since the list was last put in order. */
  fresh = $state(0);
  loaded = $state(false);
  failure = $state.raw<unknown>(null);
  #abort: AbortController | undefined;
  #loading: Promise<void> | undefined;
  /** What was asked for last. */
  #filter: Filter | undefined;
  /** What is known but not shown in its order yet. */
  #waiting = new Map<string, Row>();
  /** The newest word at the time when the list was last put in order. */
  #settled = '';
  #token = $state<string | null>(null);

  get more(): boolean {
    return this.#token !== null;
  }

  /** Reads the newest conversations that pass the filter. */
  load(filter: Filter, next = false): Promise<void> {
    return (this.#loading = this.#load(filter, next));
  }

  async #load(filter: Filter, next: boolean): Promise<void> {
    this.#abort?.abort();
    const signal = (this.#abort = new AbortController()).signal;
    this.#filter = filter;
    try {
      const [found, token] = await this.#newest(filter, next, signal);
      if (signal.aborted) return;
      this.#token = token;
      const rows = new Map<string, Row>((next ? this.all : []).map((r) => [r.key, r]));
      for (const row of found) rows.set(row.key, row);
      this.#waiting = rows;
      this.settle();
      this.failure = null;
    } catch (error) {
      if (signal.aborted) return;
      this.failure = error;
    }
    this.loaded = true;
  }

  /** What came since: rows change where they stand, and those that would move or come are announced until `settle`. */
  refresh = oneAtATime(async () => {
    if (!this.#filter || !this.#abort) return;
    // Who asks for something else wants nothing of this.
    const { signal } = this.#abort;
    await this.#loading;
    if (signal.aborted) return;
    const read = await this.#newest(this.#filter, false, signal).catch(() => null);
    if (signal.aborted || !read) return;
    this.failure = null;
    const [found, token] = read;
    // Pages that were read further back stay read.
    if (this.all.length <= PAGE) this.#token = token;
    const rows = new Map(this.#waiting.size ? this.#waiting : this.all.map((r) => [r.key, r]));
    for (const row of found) rows.set(row.key, row);
    const order = [...rows.values()].sort((a, b) => moment(b).localeCompare(moment(a)));
    const stays = this.all.map((r) => rows.get(r.key) ?? r);
    this.fresh = stays.length === 0 ? 0 : order.filter((r, i) => stays[i]?.key !== r.key && (moment(r) > this.#settled || !stays.some((s) => s.key === r.key))).length;
    this.all = this.fresh ? stays : order;
    this.#waiting = this.fresh ? rows : new Map();
    this.#settled = this.fresh ? this.#settled : (order[0] ? moment(order[0]) : '');
  });

  /** Puts the list in order, with all that came. */
  settle(): void {
    const rows = this.#waiting.size ? [...this.#waiting.values()] : this.all;
    this.all = rows.sort((a, b) => moment(b).localeCompare(moment(a)));
    this.#settled = this.all[0] ? moment(this.all[0]) : '';
    this.#waiting = new Map();
    this.fresh = 0;
  }

  async #newest(filter: Filter, next: boolean, signal: AbortSignal): Promise<[Row[], string | null]> {
    const query = { ...filter, q: filter.q.trim(), pageSize: PAGE };
    const { data, nextPageToken } = await firstFull<Conversation>('conversations', query, next ? this.#token : null, signal);
    return [data.map(ofConversation), nextPageToken];
  }
}
