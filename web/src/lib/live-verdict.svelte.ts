// The verdict on what is being written, asked for while it is written: late answers to earlier questions never show.
import { ApiError, post } from './api';
import type { Problem, Verdict } from './native';

/** Milliseconds of quiet before a question is asked. */
const QUIET = 250;

export class LiveVerdict {
  /** The newest answer; kept while the next question is under way, so that the line does not flicker. */
  verdict = $state.raw<Verdict | null>(null);
  /** Why there is no answer: fields that are missing, or what failed. */
  problem = $state.raw<Problem | null>(null);
  asking = $state(false);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;

  /** Asks about a send, as `POST messages` would get it, once nothing new has come for a moment. */
  ask(send: Record<string, unknown>, wait = QUIET): void {
    this.stop();
    this.asking = true;
    this.#timer = setTimeout(() => void this.#now(send), wait);
  }

  /** Leaves off: an answer under way is dropped. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.asking = false;
  }

  async #now(send: Record<string, unknown>): Promise<void> {
    const abort = (this.#abort = new AbortController());
    try {
      const verdict = await post<Verdict>('verdicts', send, { signal: abort.signal });
      if (abort.signal.aborted) return;
      this.verdict = verdict;
      this.problem = null;
    } catch (error) {
      if (abort.signal.aborted) return;
      this.problem = error instanceof ApiError ? error.problem : { message: String(error), code: '', details: {} };
      this.verdict = this.problem.details.verdict ?? null;
    }
    this.asking = false;
  }
}
