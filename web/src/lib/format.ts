// Numbers and names as people read them.
export { ago, day, exact, since, span } from './time';

let numbers: Intl.NumberFormat | undefined;

/** With its thousands apart. */
export const count = (n: number): string => (numbers ??= new Intl.NumberFormat('en')).format(n);

/** A share of a whole, `12.5 %`; an empty whole has none. */
export const percent = (part: number, whole: number): string => (whole > 0 ? `${((part / whole) * 100).toFixed(1)} %` : '–');

/** Bytes, in powers of a thousand. */
export function bytes(n: number): string {
  if (n < 1_000) return `${n} B`;
  if (n < 1_000_000) return `${(n / 1_000).toFixed(1)} kB`;
  return `${(n / 1_000_000).toFixed(1)} MB`;
}

/** A word of the API as words: `needs_approval`, `NEEDS_APPROVAL` and `needsApproval` alike become `Needs approval`. */
export function words(name: string): string {
  const apart = name.replace(/([a-z])([A-Z])/g, '$1 $2').replaceAll(/[_-]+/g, ' ').toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
}

/** JSON for people, from a value or from text that may be JSON. */
export function pretty(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2) ?? '';
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

/** Two letters that stand for a name; none of a name that has no letters. */
export function initials(name: string): string {
  const letters = name
    .split(/\s+/)
    .map((word) => /[\p{L}\p{N}]/u.exec(word)?.[0] ?? '')
    .join('');
  return letters.slice(0, 2).toUpperCase() || '·';
}
