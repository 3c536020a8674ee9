// A list that the service gives by pages: read anew when its filter changes, and on by its token.
import { get } from './api';
import type { Page } from './native';

/** Pages that are asked for at once, as long as they are empty. */
const PAGES_MAX = 30;

type Query = Record<string, string | number | undefined>;

/** The first page that has anything: one looks at a bounded number of rows, of which none may fit though further ones do. */
export async function firstFull<T>(path: string, query: Query, pageToken: string | null, signal: AbortSignal): Promise<Page<T>> {
  for (let tries = PAGES_MAX; ; ) {
    const page = await get<Page<T>>(path, { query: { ...query, pageToken }, signal });
    if (page.data.length || !page.nextPageToken || !--tries) return page;
    pageToken = page.nextPageToken;
  }
}

export class Paged<T> {
  all = $state.raw<T[]>([]);
  next = $state<string | null>(null);
  loaded = $state(false);
  failure = $state.raw<unknown>(null);
  #path: () => string;
  #query: () => Query;
  #abort: AbortController | undefined;

  /** Both are read in an effect: what they depend on brings the list up to date, once it has been quiet for a moment. */
  constructor(path: () => string, query: () => Query = () => ({})) {
    this.#path = path;
    this.#query = query;
    let wait = 0;
    $effect(() => {
      void [path(), query()];
      const timer = setTimeout(() => void this.load(), wait);
      wait = 200;
      return () => {
        clearTimeout(timer);
        this.#abort?.abort();
      };
    });
  }

  load = async (more = false): Promise<void> => {
    this.#abort?.abort();
    const { signal } = (this.#abort = new AbortController());
    try {
      const page = await firstFull<T>(this.#path(), this.#query(), more ? this.next : null, signal);
      this.all = more ? [...this.all, ...page.data] : page.data;
      this.next = page.nextPageToken;
      this.failure = null;
    } catch (error) {
      if (signal.aborted) return;
      this.failure = error;
    }
    this.loaded = true;
  };
}
