// Takes out of Svelte's runtime and of the compiled parts what these pages never do: nothing here is rendered by a server, so nothing is
// ever taken over from its HTML ("hydrated"). Svelte leaves its flag a variable; made a constant, the bundler drops all that hangs on it.

const FLAG = /export let hydrating = false;/;
const SETTER = /hydrating = value;/;
/** Functions that do nothing while the flag is down: calls to them, one for nearly every element, can go. */
const IDLE = /export function (reset|next|hydrate_template)\(/g;

/** Events that Svelte hears at the root of the page: each part says so of its own, and once for all of them is enough. */
const AT_ROOT = ['click', 'change', 'input', 'keydown', 'contextmenu', 'focusout'];
const HEARD = /^\$\.delegate\((\[.*\])\);$/gm;

/** @type {import('vite').Plugin} */
export const lean = {
  name: 'lean',
  apply: 'build',
  transform(code, id) {
    if (id.endsWith('/src/main.ts')) {
      return `import { delegate } from 'svelte/internal/client';\n${code}\ndelegate(${JSON.stringify(AT_ROOT)});\n`;
    }
    if (id.endsWith('.svelte')) {
      const bare = code.replace(HEARD, (whole, events) => {
        const other = JSON.parse(events.replaceAll("'", '"')).find((/** @type {string} */ event) => !AT_ROOT.includes(event));
        if (other) throw new Error(`${id} hears ${other} at the root: name it in build/lean.mjs`);
        return '';
      });
      // Which snippets a part is given matters to parts of Svelte 4 alone.
      return bare.replace(/,\s*\$\$slots: \{[^}]*\}/g, '');
    }
    if (!id.endsWith('/svelte/src/internal/client/dom/hydration.js')) return undefined;
    if (!FLAG.test(code) || !SETTER.test(code) || code.match(IDLE)?.length !== 3) {
      throw new Error('Svelte marks hydration otherwise now: look at build/lean.mjs');
    }
    return code
      .replace(FLAG, 'export const hydrating = false;')
      .replace(SETTER, '')
      .replace(IDLE, '/* @__NO_SIDE_EFFECTS__ */ export function $1(');
  },
};
