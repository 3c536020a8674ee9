// The keyboard: `/` search, `j` `k` move, `enter` open, `esc` back, `?` all of them. A list says which elements it is made of by
// `data-row`; a search field by `data-search`; whatever goes back listens for Escape itself.

export const SHORTCUTS: [string, string][] = [
  ['/', 'Search'],
  ['j', 'Next in the list'],
  ['k', 'Previous in the list'],
  ['Enter', 'Open'],
  ['Esc', 'Back, or close'],
  ['g then s c t r w o', 'Go to Stage, Conversations, Templates, Rules, Webhooks, Overview'],
  ['?', 'All shortcuts'],
];

const PAGES: Record<string, string> = {
  s: 'stage',
  c: 'conversations',
  t: 'templates',
  r: 'rules',
  w: 'webhooks',
  o: 'overview',
};

class Keys {
  help = $state(false);
  #awaits = 0;

  /** Listens on the whole page; `goTo` opens a page by its name. */
  start(goTo: (page: string) => void): void {
    document.addEventListener('keydown', (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      const writes = target.closest('input:not([type=checkbox], [type=radio], [type=file]), textarea, select, [contenteditable]');
      if (writes) return;
      const page = PAGES[event.key];
      if (this.#awaits && page && Date.now() - this.#awaits < 1_500) {
        this.#awaits = 0;
        event.preventDefault();
        goTo(page);
        return;
      }
      this.#awaits = event.key === 'g' ? Date.now() : 0;
      if (event.key === '?') this.help = !this.help;
      else if (event.key === '/') focus(event, document.querySelector<HTMLElement>('[data-search]'));
      else if (event.key === 'j' || event.key === 'k') move(event, event.key === 'j' ? 1 : -1);
    });
  }
}

function focus(event: Event, element: HTMLElement | null | undefined): void {
  if (!element) return;
  event.preventDefault();
  element.focus();
  element.scrollIntoView({ block: 'nearest' });
}

function move(event: Event, by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')].filter((row) => row.offsetParent !== null);
  const at = rows.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const to = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  // A row of a table opens by what stands in it.
  focus(event, to?.querySelector<HTMLElement>('a, button') ?? to);
}

export const keys = new Keys();
