import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { readdirSync } from 'node:fs';

const parts = readdirSync(new URL('src', import.meta.url), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.svelte'))
  .map((path) => path.replaceAll('\\', '/'))
  .sort();

/** The name of a part's styles, as short as can be: it stands in every element that has one. @param {{ filename: string }} part */
function shortName({ filename }) {
  return `s${parts.findIndex((path) => filename.replaceAll('\\', '/').endsWith(`src/${path}`)).toString(36)}`;
}

export default {
  preprocess: vitePreprocess(),
  compilerOptions: { runes: true, cssHash: shortName },
};
