// One message, read again whenever something happened to it.
import { get } from './api';
import type { Message } from './native';

export class OneMessage {
  #found = $state.raw<Message | null>(null);
  failure = $state.raw<unknown>(null);
  #id: () => string;

  /** Reads the message when `id` changes, and anew when what `version` reads does. */
  constructor(id: () => string, version: () => number) {
    this.#id = id;
    $effect(() => {
      version();
      const abort = new AbortController();
      get<Message>(`messages/${id()}`, { signal: abort.signal }).then(
        (found) => this.take(found),
        (error: unknown) => abort.signal.aborted || (this.failure = error),
      );
      return () => abort.abort();
    });
  }

  /** None while another one is still being read. */
  get message(): Message | null {
    return this.#found?.id === this.#id() ? this.#found : null;
  }

  /** As it stands now, by whichever answer. */
  take(found: Message): void {
    this.#found = found;
    this.failure = null;
  }
}
