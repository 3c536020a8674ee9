// Server-sent events over fetch (WHATWG HTML, 9.2): with any event name, and resumed after every kind of break, which EventSource
// is not after a refusal.

export type Told = { id: string; type: string; data: string };

type Follow = {
  url: () => string;
  /** Where to begin; what is told moves it on. */
  after?: string;
  told: (event: Told) => void;
  connected?: (is: boolean) => unknown;
  /** The place is no longer kept (410, or beyond the newest): the caller reads everything anew. */
  lost?: () => void;
};

/** Silence after which a connection counts as broken; the server says something every 15 s. */
const SILENCE = 45_000;
const WAIT_FROM = 500;
const WAIT_TO = 10_000;

/** Follows until the signal aborts. */
export async function follow(what: Follow, signal: AbortSignal): Promise<void> {
  let last = what.after;
  let wait = WAIT_FROM;
  while (!signal.aborted) {
    const broken = new AbortController();
    const stop = () => broken.abort();
    signal.addEventListener('abort', stop, { once: true });
    let silence = setTimeout(stop, SILENCE);
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' };
      if (last) headers['last-event-id'] = last;
      const answer = await fetch(what.url(), { headers, signal: broken.signal });
      if (answer.status === 410 || (answer.status === 400 && last)) {
        last = undefined;
        what.lost?.();
        throw new Error('the place is no longer kept');
      }
      if (!answer.ok || !answer.body) throw new Error(`answered ${answer.status}`);
      what.connected?.(true);
      wait = WAIT_FROM;
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = '';
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE);
        rest += value;
        const blocks = rest.split(/\r?\n\r?\n/);
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const event = read(block);
          if (event.id) last = event.id;
          if (event.data) what.told(event);
        }
      }
    } catch {
      // Comes again below.
    }
    clearTimeout(silence);
    signal.removeEventListener('abort', stop);
    if (signal.aborted) return;
    what.connected?.(false);
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
    wait = Math.min(wait * 2, WAIT_TO);
  }
}

function read(block: string): Told {
  const event: Told = { id: '', type: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'id') event.id = value ?? '';
    else if (field === 'event') event.type = value ?? '';
    else if (field === 'data') data.push(value ?? '');
  }
  event.data = data.join('\n');
  return event;
}
