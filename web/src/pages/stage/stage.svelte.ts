// What the stage shows of one customer, or of one message: read from the API and the simulator, and kept true by both streams.
import { get } from '../../lib/api';
import { desk } from '../../lib/desk.svelte';
import type { LiveEvent } from '../../lib/live';
import { live } from '../../lib/live';
import type { Endpoint, Message, Page, Session, ToldEvent } from '../../lib/native';
import { oneAtATime } from '../../lib/one-at-a-time';
import { sim, type SimRequest } from '../../lib/sim';
import { toasts } from '../../lib/toasts.svelte';
import { exchangesOf, inOrder, type Exchange } from './exchanges';

/** Messages of a customer that are on stage at once. */
const MESSAGES = 8;
/** Calls and events that are remembered. */
const RECORDS = 500;
const TOGETHER = 80;
/** How soon what is on its way to an endpoint is looked at again: nothing tells of it. */
const LATER = 2_000;

export class Stage {
  messages = $state.raw<Message[]>([]);
  session = $state.raw<Session | null>(null);
  /** Rises with everything that can change a verdict: sessions, templates, the clock. */
  turn = $state(0);
  loaded = $state(false);
  failure = $state.raw<unknown>(null);
  /** What never became a message: sends that were refused at once. */
  refused = $state.raw<Exchange[]>([]);
  #requests = $state.raw<SimRequest[]>([]);
  #events = $state.raw<LiveEvent[]>([]);
  /** What was told of each message, where anybody is told. */
  #deliveries = $state.raw<Record<string, ToldEvent[]>>({});
  #endpoints = 0;
  #address: string | null;
  #only: string | null;
  #dirty = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #later: ReturnType<typeof setTimeout> | undefined;
  #stops: (() => void)[];
  #isOver = false;

  readonly rows: Exchange[] = $derived.by(() => {
    const records = { requests: this.#requests, posted: desk.posted, events: this.#events, told: this.#deliveries };
    const rows = this.messages.flatMap((message) => exchangesOf(message, records));
    return [...rows, ...(this.#only ? [] : this.refused)].sort(inOrder);
  });

  /** Of a customer by address, or of one message by its id. */
  constructor(address: string | null, only: string | null) {
    this.#address = address;
    this.#only = only;
    this.#stops = [
      live.on(['message.', 'session.', 'template.', 'sender.', 'consent.'], (event) => this.#told(event), () => void this.#begin()),
      desk.on(({ kind }) => {
        if (kind === 'request') this.#soon();
        if (kind === 'clock' || kind === 'reset') this.#soon(true);
      }),
    ];
    void this.#begin();
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#later);
    this.#stops.forEach((stop) => stop());
  }

  /** Reads again now, after something was done here. */
  again(): void {
    this.#soon(true);
  }

  refuse(row: Exchange): void {
    this.refused = [...this.refused, row].slice(-20);
  }

  async #begin(): Promise<void> {
    try {
      const newest = await get<{ newest: number }>('events', { query: { after: 0, limit: 1 } });
      const after = Math.max(0, newest.newest - 200);
      const [events, endpoints] = await Promise.all([
        get<{ data: LiveEvent[] }>('events', { query: { after, limit: 200, types: 'message.*,session.*' } }).catch(() => ({ data: [] })),
        get<Page<Endpoint>>('endpoints').catch(() => ({ data: [] as Endpoint[] })),
      ]);
      this.#keep(events.data);
      this.#endpoints = endpoints.data.filter((one) => one.enabled).length;
      this.turn += 1;
      await this.#read();
    } catch (error) {
      this.failure = error;
    }
    this.loaded = true;
  }

  #keep(events: LiveEvent[]): void {
    const known = new Set(this.#events.map((event) => event.id));
    this.#events = [...this.#events, ...events.filter((event) => !known.has(event.id))].slice(-RECORDS);
  }

  #told(event: LiveEvent): void {
    this.#keep([event]);
    const message = event.data['messageId'] as string | undefined;
    if (message) this.#dirty.add(message);
    const ours = !event.data['parties'] || this.#isOurs(event.data['parties']);
    if (ours) this.#soon(event.type !== 'message.status');
  }

  #isOurs(parties: Record<string, string | null>): boolean {
    if (this.#only) return true;
    return Object.values(parties).includes(this.#address?.replace(/^bsuid:/, '') ?? '') || parties['customer'] === this.#address;
  }

  #soon(turn = false): void {
    if (turn) this.turn += 1;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!this.#isOver) this.#read().catch((error) => toasts.fail(error));
    }, TOGETHER);
  }

  #read = oneAtATime(async () => {
    await Promise.all([this.#readRequests(), this.#only ? this.#readOne(this.#only) : this.#readAll()]);
    if (this.#endpoints) await this.#readDeliveries();
    this.failure = null;
  });

  /** Of the messages on stage; again later, while somebody has yet to take something. */
  async #readDeliveries(): Promise<void> {
    // Where they cannot be read, what the stream told is shown.
    const of = (id: string) => get<{ data: ToldEvent[] }>(`messages/${id}/deliveries`).catch(() => ({ data: [] }));
    const all = this.messages.map(async ({ id }) => [id, (await of(id)).data] as const);
    this.#deliveries = Object.fromEntries(await Promise.all(all));
    const waits = Object.values(this.#deliveries).flat().some((told) => told.endpoints.some((one) => ['pending', 'waiting'].includes(one.outcome)));
    clearTimeout(this.#later);
    if (waits && !this.#isOver) this.#later = setTimeout(() => this.#soon(), LATER);
  }

  async #readRequests(): Promise<void> {
    const last = this.#requests.at(-1)?.seq ?? 0;
    const found = await sim.get<{ data: SimRequest[] }>('requests', { after: last, limit: 10_000 });
    const sends = found.data.filter((one) => one.method === 'POST' && one.path.endsWith('/messages'));
    if (sends.length) this.#requests = [...this.#requests, ...sends].slice(-RECORDS);
  }

  async #readOne(id: string): Promise<void> {
    const message = await get<Message>(`messages/${id}`);
    this.messages = [message];
    await this.#readSession(message.customer);
  }

  async #readAll(): Promise<void> {
    const to = this.#address;
    if (!to) {
      this.messages = [];
      return;
    }
    const page = await get<Page<Message>>('messages', { query: { to, pageSize: MESSAGES } });
    const known = new Map(this.messages.map((message) => [message.id, message]));
    const whole = page.data.map(async (message): Promise<Message> => {
      const before = known.get(message.id);
      const same = before && before.status === message.status && before.attempts.length === message.attempts.length && !message.waits && !before.waits;
      if (same && !this.#dirty.has(message.id)) return before;
      return get<Message>(`messages/${message.id}`);
    });
    this.messages = (await Promise.all(whole)).reverse();
    this.#dirty.clear();
    await this.#readSession(to);
  }

  async #readSession(to: string): Promise<void> {
    const found = await get<Page<Session>>('sessions', { query: { to } });
    const before = this.session?.open;
    this.session = found.data[0] ?? null;
    if (before !== this.session?.open) this.turn += 1;
  }
}
