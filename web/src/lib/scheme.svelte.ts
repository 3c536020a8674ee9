// Light or dark: as the system has it, unless somebody chose.
const KEPT = 'transom.scheme';
const NEXT = { system: 'light', light: 'dark', dark: 'system' } as const;
const WORDS = { system: 'Auto', light: 'Light', dark: 'Dark' } as const;

class Scheme {
  #choice = $state<keyof typeof NEXT>('system');

  constructor() {
    const kept = localStorage.getItem(KEPT);
    if (kept === 'light' || kept === 'dark') this.#choose(kept);
  }

  get word(): string {
    return WORDS[this.#choice];
  }

  next(): void {
    this.#choose(NEXT[this.#choice]);
    localStorage.setItem(KEPT, this.#choice);
  }

  /** The styles read it from the root; "system" is no scheme of theirs, and leaves them to the system. */
  #choose(choice: keyof typeof NEXT): void {
    this.#choice = choice;
    document.documentElement.dataset['scheme'] = choice;
  }
}

export const scheme = new Scheme();
