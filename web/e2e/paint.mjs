// How soon the console shows something: `npm run paint`. Opens the first page of a house in Chromium with an empty cache, some times over,
// and reads the moments from the browser's own trace. Figures of a busy machine say little: the least and the middle are printed.
import { openHouse } from './house.mjs';

const TIMES = Number(process.env.TRANSOM_TIMES ?? 15);
/** Moments in the trace, and what they are called here. */
const MARKS = { firstPaint: 'first paint', firstContentfulPaint: 'first content', 'stage drawn': 'page drawn' };

const house = await openHouse();
const found = {};
try {
  for (let time = 0; time <= TIMES; time++) {
    const page = await house.page('about:blank');
    await house.browser.startTracing(page, { categories: ['loading', 'blink.user_timing', 'devtools.timeline'] });
    await page.goto(`${house.env.TRANSOM_URL}/console`);
    await page.getByRole('group', { name: 'Phones' }).waitFor();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.mark('stage drawn'))))));
    const { traceEvents } = JSON.parse((await house.browser.stopTracing()).toString());
    await page.context().close();
    // The first one warms the house up: nobody's first look is at a process that has never answered.
    if (time === 0) continue;
    const begun = traceEvents.filter((event) => event.name === 'navigationStart' && event.args.data?.documentLoaderURL?.includes('/console')).at(-1);
    // A trace that has lost its beginning says nothing; the line below says how many told.
    if (!begun) continue;
    for (const event of traceEvents) {
      const name = MARKS[event.name];
      if (name && event.ts > begun.ts) (found[name] ??= {})[time] ??= (event.ts - begun.ts) / 1_000;
    }
  }
} finally {
  await house.close();
}
for (const [name, times] of Object.entries(found)) {
  const sorted = Object.values(times).sort((a, b) => a - b);
  const at = (share) => sorted[Math.floor((sorted.length - 1) * share)].toFixed(0).padStart(5);
  console.log(`${name.padEnd(14)} least ${at(0)} ms, middle ${at(0.5)} ms, most ${at(1)} ms (${sorted.length} times)`);
}
