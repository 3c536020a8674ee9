// Moments and spans in words. Exact moments are local and 24-hour; relative ones stand beside them.

/** Made when first used: the browser takes longer over one of these than over a page's first drawing. */
function format(options: Intl.DateTimeFormatOptions): (date: Date) => string {
  let made: Intl.DateTimeFormat | undefined;
  return (date) => (made ??= new Intl.DateTimeFormat(undefined, { hourCycle: 'h23', ...options })).format(date);
}

const TWO = '2-digit';
const FORMS = {
  full: format({ dateStyle: 'medium', timeStyle: 'medium' }),
  time: format({ hour: TWO, minute: TWO, second: TWO }),
  short: format({ hour: TWO, minute: TWO }),
  clock: format({ weekday: 'short', day: 'numeric', month: 'short', hour: TWO, minute: TWO, second: TWO }),
  hour: format({ day: 'numeric', month: 'short', hour: TWO, minute: TWO }),
};
const DAY = format({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });

export type Moment = string | number | Date;

/** The exact moment: all of it, the time with seconds, hours and minutes, as a clock on the wall, or to the minute of a day. */
export function exact(at: Moment | null | undefined, form: keyof typeof FORMS = 'full'): string {
  if (at === null || at === undefined) return '';
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? String(at) : FORMS[form](date);
}

/** The day, to group by and to show. */
export const day = (at: Moment): string => DAY(new Date(at));

/** A span in its two largest units: `18h 02m`, `2d 4h`, `41s`, `120 ms`. */
export function span(millis: number): string {
  const abs = Math.max(0, millis);
  if (abs < 1_000) return `${Math.round(abs)} ms`;
  const seconds = Math.floor(abs / 1_000);
  if (seconds < 60) return seconds < 10 ? `${(abs / 1_000).toFixed(1)} s` : `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${pad(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours}h ${pad(minutes % 60)}m`;
  return `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

const pad = (n: number) => String(n).padStart(2, '0');

/** How long after `from` something was: `+120 ms`. */
export const since = (from: Moment, at: Moment): string => `+${span(new Date(at).getTime() - new Date(from).getTime())}`;

/** A moment as seen from now: `just now`, `5 min ago`, `in 3 h`. */
export function ago(at: Moment, now: number): string {
  const gap = now - new Date(at).getTime();
  const abs = Math.abs(gap);
  if (abs < 10_000) return 'just now';
  const [n, unit] =
    abs < 60_000
      ? [Math.round(abs / 1_000), 's']
      : abs < 3_600_000
        ? [Math.round(abs / 60_000), 'min']
        : abs < 86_400_000
          ? [Math.round(abs / 3_600_000), 'h']
          : [Math.round(abs / 86_400_000), 'd'];
  return gap > 0 ? `${n} ${unit} ago` : `in ${n} ${unit}`;
}
