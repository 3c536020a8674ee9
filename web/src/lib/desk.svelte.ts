// The simulator's world as the pages show it: who there is, what their phones show, what waits at Meta's desk. Read once, then kept
// true by its stream.
import { clock } from './clock.svelte';
import { oneAtATime } from './one-at-a-time';
import { momentOf, sim, SIM, type Catalog, type Entry, type Fault, type Person, type Product, type SimTemplate } from './sim';
import { follow } from './sse';
import { toasts } from './toasts.svelte';

/** A POST of webhooks to the business's callback, as the stream tells it. */
export type Posted = { at: number; url: string; status: number | null; tookMs: number; body: any; number: number };

type Told = { kind: string; data: Record<string, any>; number: number };

const OPEN = 'transom.phones';
/** Posts that are remembered for the stage. */
const POSTED_MAX = 500;
/** Changes within this many milliseconds are read together. */
const TOGETHER = 60;

/** Reads a list of the simulator's, one reading at a time. */
const listReader = <T>(path: string, take: (all: T[]) => void) => oneAtATime(async () => take((await sim.get<{ data: T[] }>(path)).data));

class Desk {
  people = $state.raw<Person[]>([]);
  /** Ids of the people whose phones are on the page. */
  open = $state.raw<string[]>([]);
  inboxes = $state<Record<string, Entry[]>>({});
  templates = $state.raw<SimTemplate[]>([]);
  faults = $state.raw<Fault[]>([]);
  /** Products of the desk's catalogs, by the retailer's id. */
  products = $state.raw<Record<string, Product>>({});
  turnable = $state(false);
  loaded = $state(false);
  connected = $state(false);
  failure = $state.raw<unknown>(null);
  /** Webhooks that were posted while this page watched, oldest first. */
  posted = $state.raw<Posted[]>([]);
  #listeners = new Set<(told: Told) => void>();
  #abort: AbortController | undefined;
  #inboxReaders: Record<string, () => Promise<void>> = {};
  #due = new Set<() => Promise<unknown>>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Begins to watch; gives the way to stop. */
  start(): () => void {
    const abort = (this.#abort = new AbortController());
    const url = () => `${SIM}/stream`;
    const told = (event: { type: string; data: string; id: string }) => {
      const data = JSON.parse(event.data) as Record<string, any>;
      this.#told({ kind: event.type, data, number: Number(event.id) });
    };
    // What happens before the stream is connected it does not tell: all is read then, too.
    const connected = (is: boolean) => {
      this.connected = is;
      if (is) void this.#readAll();
    };
    void this.#readAll();
    void follow({ url, told, connected, lost: () => void this.#readAll() }, abort.signal);
    return () => abort.abort();
  }

  /** Calls for everything the stream tells. */
  on(listener: (told: Told) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  person(id: string): Person | undefined {
    return this.people.find((one) => one.id === id);
  }

  /** Puts a phone on the page, or takes it off. */
  show(id: string, is = true): void {
    this.open = is ? [...this.open.filter((one) => one !== id), id] : this.open.filter((one) => one !== id);
    localStorage.setItem(OPEN, JSON.stringify(this.open));
    this.#inboxSoon(id);
  }

  readInbox(id: string): Promise<void> {
    return this.#inbox(id)();
  }

  #inbox(id: string): () => Promise<void> {
    return (this.#inboxReaders[id] ??= listReader<Entry>(`customers/${id}/inbox`, (all) => (this.inboxes[id] = all)));
  }

  readPeople = listReader<Person>('customers', (all) => {
    this.people = all.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    // That the business writes ends by itself, and nobody tells of it.
    if (this.people.some((one) => one.typing)) setTimeout(() => this.#soon(this.readPeople), 5_000);
  });

  readTemplates = listReader<SimTemplate>('templates', (all) => (this.templates = all));

  readFaults = listReader<Fault>('faults', (all) => (this.faults = all));

  readClock = oneAtATime(async () => {
    const found = await sim.get<{ nowMs: number; turnable: boolean }>('clock');
    this.turnable = found.turnable;
    clock.set(found.nowMs);
  });

  readProducts = listReader<Catalog>('catalogs', (all) => {
    this.products = Object.fromEntries(all.flatMap((one) => one.products.map((product) => [product.retailerId, product])));
  });

  #readAll = oneAtATime(async () => {
    try {
      await Promise.all([this.readPeople(), this.readTemplates(), this.readFaults(), this.readClock(), this.readProducts()]);
      if (!this.loaded) this.open = this.#remembered();
      await Promise.all(this.open.map((id) => this.readInbox(id)));
      this.loaded = true;
      this.failure = null;
    } catch (error) {
      this.failure = error;
    }
  });

  /** Inboxes are read only for phones on the page. */
  #inboxSoon = (id: string): void => {
    if (this.open.includes(id)) this.#soon(this.#inbox(id));
  };

  #remembered(): string[] {
    const there = (id: string) => this.people.some((one) => one.id === id);
    try {
      const kept = (JSON.parse(localStorage.getItem(OPEN) ?? '[]') as string[]).filter(there);
      if (kept.length > 0) return kept;
    } catch {
      // Whatever somebody else wrote there.
    }
    return this.people.slice(0, 2).map((one) => one.id);
  }

  #told(told: Told): void {
    const { kind, data } = told;
    if (kind === 'reset') void this.#readAll();
    else if (kind === 'message') {
      const id = this.people.find((one) => one.id === data['customer'] || (data['party'] && one.waId === data['party']))?.id;
      (id ? [id] : this.open).forEach(this.#inboxSoon);
    } else if (kind === 'page_message') {
      for (const one of this.people) if (one.channel === 'messenger') this.#inboxSoon(one.id);
    } else if (kind === 'customer') {
      this.#soon(this.readPeople);
      this.#inboxSoon(String(data['id']));
    } else if (kind === 'template') this.#soon(this.readTemplates);
    else if (kind === 'faults') this.#soon(this.readFaults);
    else if (kind === 'clock') this.#soon(this.readClock);
    else if (kind === 'webhook') this.posted = [...this.posted, { ...(data as Posted), number: told.number }].slice(-POSTED_MAX);
    for (const listener of this.#listeners) listener(told);
  }

  /** Many changes at once are one reading. */
  #soon(read: () => Promise<unknown>): void {
    this.#due.add(read);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const due = [...this.#due];
      this.#due.clear();
      if (!this.#abort?.signal.aborted) Promise.all(due.map((one) => one())).catch((error) => toasts.fail(error));
    }, TOGETHER);
  }
}

export const desk = new Desk();

/** Until when the session is open, as the phone knows it: a day from the customer's last message. */
export function sessionOf(id: string): string | null {
  const last = desk.inboxes[id]?.findLast((entry) => entry.direction === 'out' && !['reaction', 'system'].includes(entry.type));
  const end = last ? momentOf(last) + 86_400_000 : 0;
  return end > clock.now ? new Date(end).toISOString() : null;
}
