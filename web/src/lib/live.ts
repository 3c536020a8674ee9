// What happens in the business, as it happens: one connection, many who listen.
import { pathOf } from './api';
import { session } from './session.svelte';
import { follow } from './sse';

/** An event as `GET events` prints it. */
export type LiveEvent = { position: number; id: string; type: string; at: string; data: Record<string, any> };
type Listener = { types: (type: string) => boolean; told: (event: LiveEvent) => void; missed?: () => void };

class Live {
  #listeners = new Set<Listener>();
  #abort: AbortController | undefined;
  #business: string | undefined;

  /**
   * Calls `told` for each event whose type begins with one of `prefixes` (`message.`, `session.`, `` for all), and `missed` when
   * some may have been missed, so that what is shown must be read again. Gives the way to stop.
   */
  on(prefixes: string[], told: (event: LiveEvent) => void, missed?: () => void): () => void {
    const listener: Listener = { types: (type) => prefixes.some((prefix) => type.startsWith(prefix)), told, missed };
    this.#listeners.add(listener);
    this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop();
    };
  }

  #start(): void {
    const business = session.business?.id;
    if (this.#abort && this.#business === business) return;
    this.#stop();
    if (!business) return;
    this.#business = business;
    this.#abort = new AbortController();
    const missed = () => this.#listeners.forEach((listener) => listener.missed?.());
    void follow(
      {
        url: () => pathOf('events/stream'),
        told: (event) => {
          const told = JSON.parse(event.data) as LiveEvent;
          for (const listener of this.#listeners) if (listener.types(told.type)) listener.told(told);
        },
        // The stream begins with what comes next: what was read before it did may be older than that.
        connected: (is) => is && missed(),
        lost: missed,
      },
      this.#abort.signal,
    );
  }

  #stop(): void {
    this.#abort?.abort();
    this.#abort = undefined;
  }
}

export const live = new Live();
