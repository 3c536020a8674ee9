// Says how heavy the built pages are, and fails when the script outgrows its budget: 100 kB gzipped in all.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const BUDGET = 100_000;
const folder = new URL('../dist/assets/', import.meta.url);
const sizes = { js: 0, css: 0 };
for (const name of readdirSync(folder).sort()) {
  const kind = name.split('.').pop();
  if (kind in sizes) sizes[kind] += gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
}
console.log(`gzipped: script ${(sizes.js / 1000).toFixed(1)} kB of ${BUDGET / 1000}, styles ${(sizes.css / 1000).toFixed(1)} kB`);
if (sizes.js > BUDGET) {
  console.error('the script is over its budget: split what few need, or drop what nobody does');
  process.exit(1);
}
