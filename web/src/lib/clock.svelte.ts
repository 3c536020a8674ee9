// World time as the house sees it: the machine's, plus what was turned at the desk.

class Clock {
  /** Milliseconds that the house is ahead of this browser. */
  offset = $state(0);
  /** World time in milliseconds, moved on every second. */
  now = $state(Date.now());

  constructor() {
    setInterval(() => this.#tick(), 1_000);
  }

  /** Sets the offset by what the simulator or the gateway says the time is. */
  set(nowMs: number): void {
    this.offset = nowMs - Date.now();
    this.#tick();
  }

  #tick(): void {
    this.now = Date.now() + this.offset;
  }
}

export const clock = new Clock();
