// Hostile content: nothing is interpreted, nothing breaks the layout, nothing leaves the house.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { openHouse, phone, PICTURES, until } from './house.mjs';

let house;
before(async () => (house = await openHouse()));
after(() => house?.close());

const TEXTS = [
  '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">',
  '<svg onload="window.hacked = 1"></svg> {@html x} {{constructor.constructor("window.hacked=1")()}}',
  'safe \u202Egnp.exe\u202C and \u2066isolated\u2069 \u200Fמימין',
  'W'.repeat(4_096),
  '*'.repeat(2_000) + '_~`'.repeat(300),
  'javascript:window.hacked=1 https://shop.example.com/"onmouseover="window.hacked=1',
  '\u0000\u0001\uFFFE 👨‍👩‍👧‍👦'.replaceAll('\u0000', ''),
];

test('hostile content renders safely', async () => {
  const customer = (await house.sim('GET', 'customers')).data.find((one) => one.name === 'Ana');
  const mean = await house.sim('POST', 'customers', { phone: '+493023125666', name: '<b onclick=alert(1)>Ev\u202Eil</b>'.slice(0, 60) });
  for (const body of TEXTS) {
    for (const id of [customer.id, mean.id]) await house.sim('POST', `customers/${id}/messages`, { type: 'text', text: { body } });
  }
  // Media that is not what it says, and a page that calls itself a picture.
  for (const [type, mime] of [['image', 'image/png'], ['video', 'video/mp4'], ['audio', 'audio/ogg'], ['sticker', 'image/webp'], ['document', 'application/pdf']]) {
    const data = Buffer.from('<html><script>window.hacked = 1</script>').toString('base64');
    await house.sim('POST', `customers/${customer.id}/messages`, { type, [type]: { mime_type: mime, data } });
  }
  await house.sim('POST', `customers/${customer.id}/messages`, {
    type: 'contacts', contacts: [{ name: { formatted_name: '<i>\u202E</i>' }, phones: [{ phone: '"><script>' }] }],
  });
  await house.api('POST', 'contents', { friendlyName: '<img src=x onerror="window.hacked=1">', language: 'en', types: { 'twilio/text': { body: TEXTS[0] } } });
  const heard = async () => (await house.api('GET', 'messages?direction=inbound&pageSize=50')).body.data;
  await until('all was heard', async () => (await heard()).length >= 2 * TEXTS.length + 6);
  const messages = await heard();
  // The newest of each who wrote: the longest word, and who has a name that is no name.
  const seen = [...new Map(messages.map((one) => [one.customerId, one])).values()].slice(0, 2);
  const long = messages.find((one) => JSON.stringify(one.content).includes('WWWW'));
  const addresses = [...seen, long].flatMap(({ customerId, id }) => [`conversations/${customerId}/${id}`, `why/${id}`, `stage/${id}`]);
  const pages = ['stage', 'conversations', 'webhooks/journal', 'templates/contents', 'overview', 'settings/audit', ...addresses].map((path) => `/console/${path}`);
  for (const path of ['/phone', ...pages]) {
    const page = await house.page(path);
    if (['/phone', '/console/stage'].includes(path)) {
      await page.getByRole('group', { name: 'Phones' }).getByRole('button', { name: 'Ana' }).click();
      await phone(page, 'Ana').getByText('<script>window.hacked = 1</script>').first().waitFor();
      await until('the broken picture says so', () => phone(page, 'Ana').getByText('cannot be shown').first().isVisible());
      const wall = phone(page, 'Ana').getByRole('log');
      const [inner, outer] = await wall.evaluate((element) => [element.scrollWidth, element.clientWidth]);
      assert.ok(inner <= outer + 1, `${path}: the wall is ${inner} wide in ${outer}`);
      // A direction that a text sets ends with the text.
      assert.equal(await wall.locator('bdi').first().evaluate((element) => getComputedStyle(element).unicodeBidi), 'isolate');
    } else await page.locator('main :is(h1, h2, li)').first().waitFor({ state: 'attached' });
    if (path.endsWith('conversations')) await page.locator('[data-row]').first().waitFor();
    if (path.includes('conversations/')) await page.getByRole('log').locator('.bubble').last().waitFor();
    for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
      await page.setViewportSize(viewport);
      for (const part of ['html', 'main']) {
        const width = await page.locator(part).first().evaluate((element) => [element.scrollWidth, element.clientWidth]);
        assert.ok(width[0] <= width[1], `${path}: ${part} is ${width[0]} wide in ${width[1]}`);
      }
    }
    await until('it has been drawn', () => page.evaluate(() => new Promise((done) => requestIdleCallback(() => done(true)))));
    assert.equal(await page.evaluate(() => window.hacked), undefined, path);
    assert.deepEqual(await page.getByRole('alert').allTextContents(), [], path);
    await page.screenshot({ path: join(PICTURES, `hostile-${path.replaceAll(/\W+/g, '-')}.png`) });
    assert.deepEqual(page.complaints, [], path);
    await page.context().close();
  }
});
