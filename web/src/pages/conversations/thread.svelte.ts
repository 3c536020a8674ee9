// The messages with one customer at one sender: read backwards by pages, kept true by events.
import { get } from '../../lib/api';
import { oneAtATime } from '../../lib/one-at-a-time';
import type { Component, Message, Page, Template } from '../../lib/native';

/** Messages of one page. */
const PAGE = 50;

export class Thread {
  /** Oldest first. */
  messages = $state.raw<Message[]>([]);
  loaded = $state(false);
  failure = $state.raw<unknown>(null);
  /** Components of the templates that were sent by name, by `name/language`. */
  components = $state<Record<string, Component[]>>({});
  #older = $state<string | null>(null);
  #abort = new AbortController();
  #query: Record<string, string | number | undefined>;

  constructor(customer: string, sender: string | null) {
    this.#query = { to: customer, sender: sender ?? undefined, pageSize: PAGE };
    void this.refresh();
  }

  get hasOlder(): boolean {
    return this.#older !== null;
  }

  stop(): void {
    this.#abort.abort();
  }

  older(): Promise<void> {
    return this.#older ? this.#read(this.#older) : Promise.resolve();
  }

  /** Reads the newest page again: what changed of it, and what came since. */
  refresh = oneAtATime(() => this.#read(undefined, this.loaded && !this.failure));

  async #read(pageToken: string | undefined, again = false): Promise<void> {
    const { signal } = this.#abort;
    try {
      const page = await get<Page<Message>>('messages', { query: { ...this.#query, pageToken }, signal });
      const known = new Map(this.messages.map((m) => [m.id, m]));
      for (const m of page.data) known.set(m.id, m);
      this.messages = [...known.values()].sort((a, b) => a.acceptedAt.localeCompare(b.acceptedAt) || a.id.localeCompare(b.id));
      if (!again) this.#older = page.nextPageToken;
      this.failure = null;
      void this.#templates(page.data);
    } catch (error) {
      if (!signal.aborted) this.failure = error;
    }
    this.loaded = true;
  }

  /** Reads the texts of templates that were sent by their name, each once. */
  async #templates(messages: Message[]): Promise<void> {
    const wanted = new Set(messages.flatMap((m) => (m.content?.template ? [templateKey(m)!] : [])));
    for (const key of wanted) {
      if (key in this.components) continue;
      this.components[key] = [];
      const [name, language] = key.split('/') as [string, string];
      try {
        const found = await get<Page<Template>>(`templates/${encodeURIComponent(name)}`, { query: { language }, signal: this.#abort.signal });
        if (found.data[0]) this.components[key] = found.data[0].components;
      } catch {
        // Without it the bubble shows the values and the template's name.
      }
    }
  }

  componentsOf(m: Message): Component[] | undefined {
    const found = this.components[templateKey(m) ?? ''];
    return found?.length ? found : undefined;
  }
}

const templateKey = (m: Message): string | undefined =>
  m.content?.template ? `${m.content.template.name}/${m.content.template.language}` : undefined;
