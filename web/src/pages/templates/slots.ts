// The texts of a template that an edit changes, each at its place among Meta's components.
import { words } from '../../lib/format';
import type { Component } from '../../lib/native';
import type { Piece } from '../../lib/piece';

const at = (holder: any, path: string[]): any => path.reduce((value, key) => value?.[key], holder);

/** Where each text stands, and what it is called: `['1', 'text']`. */
function places(components: Component[], before: string[] = [], of = ''): [string[], string][] {
  return components.flatMap((c, i): [string[], string][] => {
    const here = [...before, String(i)];
    const all: [string[], string][] = typeof c['text'] === 'string' ? [[[...here, 'text'], of + words(c['type'])]] : [];
    for (const [b, button] of (c['buttons'] ?? []).entries()) {
      for (const key of ['text', 'url', 'phone_number']) {
        if (typeof button[key] === 'string') all.push([[...here, 'buttons', String(b), key], `${of}Button ${b + 1}, ${key.replace('_', ' ')}`]);
      }
    }
    for (const [n, card] of (c['cards'] ?? []).entries()) all.push(...places(card.components ?? [], [...here, 'cards', String(n), 'components'], `Card ${n + 1}: `));
    return all;
  });
}

/** The fields of an edit, and what stands in them now. */
export function slots(components: Component[]): { pieces: Piece[]; start: Record<string, string> } {
  const all = places(components);
  return {
    pieces: all.map(([path, label]) => ({ name: path.join('/'), label, kind: /ody$/.test(label) ? 'long' : 'text', optional: true })),
    start: Object.fromEntries(all.map(([path]) => [path.join('/'), at(components, path)])),
  };
}

/** The components with what was written in the fields. */
export function filled(components: Component[], written: Record<string, string>): Component[] {
  const changed = structuredClone(components);
  for (const [name, text] of Object.entries(written)) {
    const path = name.split('/');
    at(changed, path.slice(0, -1))[path.at(-1)!] = text;
  }
  return changed;
}
