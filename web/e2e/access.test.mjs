// No serious fault of accessibility on any page, in light and dark, wide and narrow; and the main path by keyboard alone.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { join } from 'node:path';
import { openHouse, openStage, phone, PICTURES, until, writeAs } from './house.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let house;
// One of its own for each test: what one has written must not stand in the other's way.
beforeEach(async () => (house = await openHouse()));
afterEach(() => house?.close());

/** What axe finds that keeps somebody out. The page's own policy lets no foreign script in, so it is evaluated, not added. */
async function faults(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  return found.violations
    .filter((one) => ['serious', 'critical'].includes(one.impact))
    .map((one) => `${one.id}: ${one.help} (${one.nodes.map((node) => node.target.join(' ')).slice(0, 4).join(' | ')})`);
}

/** Each look with one width: contrast is the scheme's, and layout the width's. */
const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
};
const FIRST = ['stage', 'conversations', 'templates', 'rules', 'webhooks', 'overview', 'settings', 'nothing-here'];
/** Pages that are looked at, at most: each address with other ids in it is the same page. */
const PAGES_MAX = 60;
const shapeOf = (path) => path.replaceAll(/\/[0-9A-HJKMNP-TV-Z]{26}/g, '/…').split('?')[0];

/** Counts what is under way, but for the streams, which never end. */
function watch(page) {
  const under = new Set();
  page.on('request', (request) => /stream/.test(request.url()) || under.add(request));
  page.on('requestfinished', (request) => under.delete(request));
  page.on('requestfailed', (request) => under.delete(request));
  /** Nothing is under way, twice in a row. */
  return async (name) => {
    let before = 1;
    await until(`${name} is at rest`, async () => {
      await page.evaluate(() => new Promise((done) => requestIdleCallback(done)));
      const [last, now] = [before, under.size];
      before = now;
      return last + now === 0;
    });
  };
}

/** Something of every kind: a message that went wrong in every way, one that waits, a list, a template in review, an endpoint. */
async function furnish() {
  const page = await openStage(house);
  await page.getByRole('group', { name: 'Phones' }).getByRole('button', { name: 'Ana' }).click();
  await writeAs(page, 'Ana', 'Hello, are you *open*?');
  await page.getByRole('button', { name: 'list: goes' }).click();
  await phone(page, 'Ana').getByText('which tea shall it be?').waitFor();
  await page.getByRole('button', { name: 'flow: needs approval' }).click();
  await page.getByRole('button', { name: 'Submit for approval' }).click();
  await page.getByText('1 template waits for review.').waitFor();
  const added = await house.api('POST', 'endpoints', { url: 'http://127.0.0.1:9/nobody', description: 'Nobody listens' });
  assert.equal(added.status, 201, JSON.stringify(added.body));
  const customer = (await house.sim('GET', 'customers')).data.find((one) => one.name === 'Ana');
  const exchanges = page.getByRole('list', { name: 'Exchanges' });
  const play = async (faults, look) => {
    await house.sim('PUT', 'faults', faults);
    await page.getByRole('button', { name: 'text: goes' }).click();
    await exchanges.getByRole('button', { name: look }).first().waitFor();
  };
  await play([{ kind: 'lost_answer', count: 1 }], /no answer\W+lost/);
  await play([{ kind: 'error', code: 131_000, count: 1 }], /POST .*\W+again/);
  await play([{ kind: 'webhook_duplicate' }], /webhook .*\W+twice/);
  await house.sim('PUT', 'faults', []);
  await house.sim('PATCH', `customers/${customer.id}`, { online: false });
  await play([], /waits for the phone/);
  await page.context().close();
}

/** Opens what opens on the page, a few of each. */
async function unfold(page, atRest) {
  for (const folded of ['main summary', 'main [aria-expanded="false"]']) {
    for (let i = 0; i < 4; i++) {
      const one = page.locator(folded).nth(folded.endsWith('summary') ? i : 0);
      if (!(await one.isVisible().catch(() => false))) break;
      // Not by the pointer: what is open may lie above.
      await one.dispatchEvent('click');
      await atRest('what was opened');
    }
  }
}

/** What else a page can look like. */
const STATES = {
  'stage, an exchange': async (page) => {
    await page.goto(`${house.env.TRANSOM_URL}/console/stage`);
    const exchanges = page.getByRole('list', { name: 'Exchanges' });
    await exchanges.getByRole('button', { name: /waits for the phone/ }).waitFor();
    await exchanges.getByRole('button', { name: /Transom to Meta: POST/ }).last().click();
    await page.getByRole('region', { name: 'The exchange' }).waitFor();
  },
  'stage, a list': async (page) => {
    await page.goto(`${house.env.TRANSOM_URL}/console/stage`);
    await phone(page, 'Ana').getByRole('log').getByRole('button', { name: 'Choose' }).click();
    await phone(page, 'Ana').getByRole('dialog', { name: 'Choose' }).waitFor();
  },
  shortcuts: async (page) => {
    await page.keyboard.press('Escape');
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('?');
    await page.getByRole('dialog').last().waitFor();
  },
  'sign-in': async (page) => {
    const out = { signedIn: false, user: null, businesses: [], makesBusinesses: false, csrf: null, dev: false, simulator: false, ways: { password: true, oidc: true }, version: '', why: null };
    await page.route('**/console/api/session', (route) => route.fulfill({ json: out }));
    await page.goto(`${house.env.TRANSOM_URL}/console/`);
    await page.locator('input[type=password]').waitFor();
  },
};

test('axe finds no serious fault on any page', async () => {
  await furnish();
  const found = [];
  for (const [look, options] of Object.entries(LOOKS)) {
    const page = await house.page('about:blank', options);
    const atRest = watch(page);
    const check = async (name) => {
      await atRest(name);
      for (const fault of await faults(page)) found.push(`${name} ${look}: ${fault}`);
      if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)) found.push(`${name} ${look}: scrolls sideways`);
      await page.screenshot({ path: join(PICTURES, `page-${name.replaceAll(/\W+/g, '-')}-${look}.png`) });
    };
    const known = new Map(FIRST.map((name) => [`/console/${name}`, `/console/${name}`]));
    for (const [shape, path] of known) {
      await page.goto(`${house.env.TRANSOM_URL}${path}`);
      await page.locator('main :is(h1, h2, p)').first().waitFor({ state: 'attached' });
      await check(shape);
      // Wherever a page leads is looked at too.
      for (const href of await page.locator('main a[href^="/console/"]').evaluateAll((all) => all.map((one) => one.getAttribute('href')))) {
        if (!known.has(shapeOf(href)) && known.size < PAGES_MAX) known.set(shapeOf(href), href);
      }
      await unfold(page, atRest);
      await check(`${shape} unfolded`);
    }
    for (const [name, reach] of Object.entries(STATES)) {
      await reach(page);
      await check(name);
    }
    await page.goto(`${house.env.SIMULATOR_URL}/phone`);
    await phone(page, 'Ana').waitFor();
    await check('phone');
    assert.ok(known.size > FIRST.length + 5, `only ${known.size} pages were found`);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
  assert.deepEqual(found, []);
});

test('the main path by keyboard alone', async () => {
  const page = await openStage(house);
  /** Tabs on to what has this name. */
  const reach = async (name) => {
    for (let i = 0; i < 150; i++) {
      const here = await page.evaluate(() => {
        const element = document.activeElement;
        return element?.getAttribute('aria-label') ?? element?.textContent?.trim() ?? '';
      });
      if (name.test(here)) {
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.notEqual(outline, 'none', `the focus on ${here} is visible`);
        return;
      }
      await page.keyboard.press('Tab');
    }
    assert.fail(`${name} is not reached by Tab`);
  };
  await reach(/^Ana$/);
  await page.keyboard.press('Enter');
  await reach(/^Write as Ana$/);
  await page.keyboard.type('By keyboard');
  await page.keyboard.press('Enter');
  await phone(page, 'Ana').getByText('By keyboard').waitFor();
  await reach(/^text: goes$/);
  await page.keyboard.press('Enter');
  await phone(page, 'Ana').getByText('We are open until 18:00.').waitFor();
  // Down the diagram with j, into an exchange with Enter, back with Escape.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'The exchange' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('region', { name: 'The exchange' }).waitFor({ state: 'detached' });
  await page.keyboard.press('?');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.keyboard.press('g');
  await page.keyboard.press('r');
  await page.waitForURL(/\/console\/rules/);
  // To the conversation, an answer in it, what happened to that, and back.
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await page.locator('[data-row]').first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Message' }).waitFor();
  await reach(/^Message$/);
  await page.keyboard.type('Answered by keyboard');
  await page.getByText('Goes as a session message').waitFor();
  await until('it may be sent', () => page.getByRole('button', { name: 'Send', exact: true }).isEnabled());
  await page.keyboard.press('Enter');
  const messages = page.getByRole('log', { name: 'Messages' });
  await messages.getByText('Answered by keyboard').waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await reach(/^Show what happened to this message$/);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/console\/conversations\/\w+\/\w+/);
  await page.keyboard.press('Escape');
  await page.waitForURL(/\/console\/conversations\/\w+$/);
  await page.keyboard.press('Escape');
  await page.waitForURL(/\/console\/conversations$/);
  assert.deepEqual(page.complaints, []);
});
