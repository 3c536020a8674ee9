// WhatsApp's text marks, as a tree: *bold*, _italic_, ~struck~, `mono`, ```mono block```, links. Whatever the text holds, it stays
// text: parts print it through elements, never as HTML.

export type Mark =
  | { kind: 'text'; text: string }
  | { kind: 'bold'; parts: Mark[] }
  | { kind: 'italic'; parts: Mark[] }
  | { kind: 'struck'; parts: Mark[] }
  | { kind: 'mono' | 'block'; text: string }
  | { kind: 'link'; text: string; href: string };

const KINDS = { '*': 'bold', _: 'italic', '~': 'struck' } as const;
const EDGE = /[\s\p{P}\p{S}]/u;
/** Marks nest at most so deep: three kinds are all there are. */
const DEPTH = 4;

/** Parses a text; `depth` is for its own use. */
export function marks(text: string, depth = 0): Mark[] {
  const out: Mark[] = [];
  let plain = '';
  const flush = () => {
    if (plain) out.push(...linked(plain));
    plain = '';
  };
  for (let at = 0; at < text.length; ) {
    const block = text.startsWith('```', at) ? text.indexOf('```', at + 3) : -1;
    if (block > at + 3) {
      flush();
      out.push({ kind: 'block', text: text.slice(at + 3, block) });
      at = block + 3;
      continue;
    }
    const char = text[at]!;
    const opens = at === 0 || EDGE.test(text[at - 1]!);
    const end = opens && depth < DEPTH && (char in KINDS || char === '`') ? closing(text, at) : -1;
    if (end > 0) {
      flush();
      const inner = text.slice(at + 1, end);
      if (char === '`') out.push({ kind: 'mono', text: inner });
      else out.push({ kind: KINDS[char as keyof typeof KINDS], parts: marks(inner, depth + 1) });
      at = end + 1;
      continue;
    }
    plain += char;
    at += 1;
  }
  flush();
  return out;
}

/** Where a mark that opens at `at` closes: on the same line, not beside a space, before the end of a word. */
function closing(text: string, at: number): number {
  const mark = text[at]!;
  const next = text[at + 1];
  if (next === undefined || /\s/.test(next) || next === mark) return -1;
  for (let end = at + 2; end < text.length && text[end] !== '\n'; end++) {
    if (text[end] !== mark || /\s/.test(text[end - 1]!)) continue;
    const after = text[end + 1];
    if (after === undefined || EDGE.test(after)) return end;
  }
  return -1;
}

const LINK = /\bhttps?:\/\/[^\s<>"'`]{1,2000}[^\s<>"'`.,;:!?)\]]/g;

function linked(text: string): Mark[] {
  const out: Mark[] = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    if (found.index > at) out.push({ kind: 'text', text: text.slice(at, found.index) });
    out.push({ kind: 'link', text: found[0], href: found[0] });
    at = found.index + found[0].length;
  }
  if (at < text.length) out.push({ kind: 'text', text: text.slice(at) });
  return out;
}
