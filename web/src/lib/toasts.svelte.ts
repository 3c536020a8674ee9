// Short notices at the edge. Errors stay until they are closed: they carry a remedy that takes time to read.

export type Toast = { id: number; error?: unknown; text?: string };
const AT_ONCE = 4;

class Toasts {
  all = $state.raw<Toast[]>([]);
  #next = 1;

  say(text: string): void {
    const toast = this.#add({ text });
    setTimeout(() => this.close(toast), 3_000);
  }

  fail(error: unknown): void {
    if (error instanceof DOMException && error.name === 'AbortError') return;
    this.#add({ error });
  }

  close(id: number): void {
    this.all = this.all.filter((one) => one.id !== id);
  }

  #add(toast: Omit<Toast, 'id'>): number {
    const id = this.#next++;
    this.all = [...this.all, { ...toast, id }].slice(-AT_ONCE);
    return id;
  }
}

export const toasts = new Toasts();

/** Does it, and says what failed: for buttons. Gives whether it went. */
export async function attempt(what: () => Promise<unknown>): Promise<boolean> {
  try {
    await what();
    return true;
  } catch (error) {
    toasts.fail(error);
    return false;
  }
}
