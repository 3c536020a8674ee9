// The working pages: an endpoint from its making to a replay, the journal, a template from its first word to an edit, keys and settings.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { openHouse, openStage, phone, typeButton, until, writeAs } from './house.mjs';

let house;
let hook;
/** What was posted to the endpoint, and how it answers. */
const posted = [];
let answers = 200;
before(async () => {
  house = await openHouse();
  hook = createServer((request, response) => {
    let body = '';
    request.on('data', (bytes) => (body += bytes));
    request.on('end', () => {
      posted.push({ headers: request.headers, body });
      response.writeHead(answers, { 'content-type': 'text/plain', 'x-seen': 'yes' }).end('as you say');
    });
  });
  await new Promise((done) => hook.listen(0, '127.0.0.1', done));
});
after(async () => {
  hook?.closeAllConnections();
  await new Promise((done) => (hook ? hook.close(done) : done()));
  await house?.close();
});

/** Tabs on to what has this name, and looks whether one sees where one is. */
async function reach(page, name) {
  for (let i = 0; i < 200; i++) {
    const here = await page.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? (element?.labels?.[0]?.textContent || element?.textContent)?.trim() ?? '';
    });
    if (name.test(here)) {
      assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none', `the focus on ${here} is visible`);
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`${name} is not reached by Tab`);
}
const press = async (page, name) => {
  await reach(page, name);
  await page.keyboard.press('Enter');
};

test('an endpoint, by keyboard alone', async () => {
  const page = await house.page('/console/webhooks');
  page.on('dialog', (dialog) => dialog.accept());
  await page.getByRole('heading', { name: 'Endpoints' }).waitFor();
  await press(page, /^Add an endpoint$/);
  // What was opened is where one goes on.
  await until('the first field has the focus', () => page.evaluate(() => document.activeElement?.getAttribute('type') === 'url'));
  await page.keyboard.type(`http://127.0.0.1:${hook.address().port}/hook`);
  await page.keyboard.press('Tab');
  await page.keyboard.type('Order service');
  await page.keyboard.press('Enter');
  await page.getByText('It is shown this once').waitFor();
  await press(page, /^I have it$/);
  await press(page, /^Order service$/);
  await page.getByRole('heading', { name: 'Order service' }).waitFor();
  await press(page, /^Send a test event$/);
  await page.getByText('taken, HTTP 200').waitFor();
  await press(page, /^New secret$/);
  await page.getByText('the old one signs beside it for a day').waitFor();

  // Something happens; it is told, and the telling is looked at.
  const ana = (await house.sim('GET', 'customers')).data.find((one) => one.name === 'Ana');
  await house.sim('POST', `customers/${ana.id}/messages`, { type: 'text', text: { body: 'Do you hear me?' } });
  const row = page.getByRole('row').filter({ hasText: 'message.received' }).filter({ hasText: 'taken' });
  await row.first().waitFor();
  await press(page, /^Show \d+$/);
  await page.getByText('HTTP 200').last().waitFor();
  await page.getByText('x-seen: yes').waitFor();
  assert.equal(await page.getByText('webhook-signature: hidden').count(), 1);
  // Told again, all of it.
  const before = posted.length;
  await page.getByRole('form', { name: 'Replay' }).getByRole('combobox').selectOption('all');
  await press(page, /^Tell it again$/);
  await until('it is told again', () => posted.length > before);
  await page.getByText(/Everything from \d+ to \d+: done/).waitFor();
  assert.deepEqual(page.complaints, []);
});

test('the journal is searched, opened and heard again', async () => {
  const page = await house.page('/console/webhooks/journal');
  await page.getByRole('region', { name: 'Journal' }).getByRole('link').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('Do you hear me?');
  await page.keyboard.press('Enter');
  await until('one is found', async () => (await page.getByRole('region', { name: 'Journal' }).getByRole('link').count()) === 1);
  await page.getByRole('region', { name: 'Journal' }).getByRole('link').click();
  const entry = page.getByRole('region', { name: 'The entry' });
  await entry.getByText('"body": "Do you hear me?"').waitFor();
  await entry.getByRole('button', { name: 'Byte by byte' }).click();
  await entry.getByText('"body":"Do you hear me?"').waitFor();
  await entry.getByRole('button', { name: 'Hear it again' }).click();
  await entry.getByText('Heard again: 0 new').waitFor();
  assert.deepEqual(page.complaints, []);
});

test('a message is opened: what Meta was asked, what it said, who was told', async () => {
  const stage = await openStage(house);
  await stage.getByRole('group', { name: 'Phones' }).getByRole('button', { name: 'Ana' }).click();
  await writeAs(stage, 'Ana', 'And now?');
  await typeButton(stage, 'text', 'goes').click();
  await phone(stage, 'Ana').getByText('We are open until 18:00.').waitFor();
  const [message] = (await house.api('GET', 'messages?direction=outbound&pageSize=1')).body.data;
  const page = await house.page(`/console/why/${message.id}`);
  await page.getByText('Went as a session message').waitFor();
  await page.getByRole('link', { name: /127\.0\.0\.1:\d+\/hook/ }).first().waitFor();
  await page.getByText('statuses').first().waitFor();
  assert.deepEqual(page.complaints, []);
});

test('a template, from its first word to an edit', async () => {
  const page = await house.page('/console/templates/contents/new');
  await page.getByLabel('Name, for you').fill('Order ready');
  await page.getByRole('group', { name: 'Types' }).getByRole('button', { name: 'Quick replies' }).waitFor();
  // What the rules say stands at the field.
  const text = page.locator('label').filter({ hasText: /^\s*Text/ });
  await text.getByText('It is required.').waitFor();
  await text.getByRole('textbox').fill('Hi {{1}}, your order is ready.');
  await page.getByLabel('Words of button 1').fill('Thanks');
  await page.getByLabel('Id that comes back of button 1').fill('thanks');
  await page.getByLabel('{{1}}').fill('Ana');
  await page.getByRole('region', { name: 'As a customer sees it' }).getByText('Hi Ana, your order is ready.').waitFor();
  await page.getByRole('button', { name: 'Keep it' }).click();
  await page.getByRole('form', { name: 'Submit for approval' }).waitFor();
  await page.getByRole('button', { name: 'Submit to Meta' }).click();
  await page.getByText('in review').waitFor();
  await page.getByText('it stays as it is').waitFor();
  await page.getByRole('link', { name: 'order_ready' }).click();
  await page.getByRole('heading', { name: 'order_ready' }).waitFor();
  const [waiting] = (await house.sim('GET', 'templates')).data.filter((one) => one.name === 'order_ready');
  await house.sim('POST', `templates/${waiting.id}/review`, { decision: 'approve' });
  await page.getByText('approved').first().waitFor();
  await page.getByRole('button', { name: 'Edit' }).click();
  const form = page.getByRole('form', { name: 'Edit' });
  await form.getByLabel('Body').fill('Hi {{1}}, your order is ready for you.');
  await form.getByRole('button', { name: 'Submit the edit' }).click();
  await page.getByText('Version 2, in review').waitFor();
  await page.getByText('After the edit').waitFor();
  await page.goto(`${house.env.TRANSOM_URL}/console/templates`);
  await page.getByText('an edit is in review').waitFor();
  // What an edit changed is told after its review, too.
  await house.sim('POST', `templates/${waiting.id}/review`, { decision: 'approve' });
  await page.getByText('an edit is in review').waitFor({ state: 'detached' });
  await page.goto(`${house.env.TRANSOM_URL}/console/templates/order_ready/en`);
  await page.getByText('Version 2: what changed').click();
  await page.locator('.gone', { hasText: 'your order is ready."' }).waitFor();
  await page.locator('.new', { hasText: 'your order is ready for you."' }).waitFor();
  await page.goto(`${house.env.TRANSOM_URL}/console/templates`);
  // A row of a table is gone to by `j`, and opened by Enter.
  await page.getByRole('link', { name: 'order_ready' }).waitFor();
  await page.keyboard.press('j');
  await until('the row has the focus', () => page.evaluate(() => document.activeElement?.textContent === 'order_ready'));
  await page.getByLabel('Quality').selectOption('RED');
  await page.getByText('No template is like that.').waitFor();
  assert.deepEqual(page.complaints, []);
});

test('keys and settings', async () => {
  const page = await house.page('/console/settings/keys');
  page.on('dialog', (dialog) => dialog.accept());
  const form = page.getByRole('form', { name: 'New key' });
  await form.getByLabel('What it is for').fill('A till');
  await form.getByRole('button', { name: 'Make it' }).click();
  await page.getByText('The key “A till”.').waitFor();
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('button', { name: 'End A till' }).click();
  await page.getByRole('row').filter({ hasText: 'A till' }).getByText('ended').waitFor();
  await page.goto(`${house.env.TRANSOM_URL}/console/settings/retention`);
  await page.getByLabel(/^Files, days/).fill('9');
  await page.getByRole('button', { name: 'Save' }).click();
  await until('it is kept', async () => (await house.api('GET', 'retention')).body.media.days === 9);
  await page.goto(`${house.env.TRANSOM_URL}/console/settings/words`);
  await page.getByRole('button', { name: 'Add a language' }).click();
  await page.getByLabel('Language of language 1').fill('de');
  await page.getByLabel('Stops everything, one per line of language 1').fill('Ruhe');
  await page.getByRole('button', { name: 'Save' }).click();
  await until('the word is kept', async () => (await house.api('GET', 'keywords')).body.languages.de?.stop?.[0]?.toLowerCase() === 'ruhe');
  await page.goto(`${house.env.TRANSOM_URL}/console/settings/audit`);
  await page.getByText('keywords.set').first().waitFor();
  await page.getByLabel('Did').fill('retention.set');
  await until('only that', async () => (await page.getByText('keywords.set').count()) === 0 && (await page.getByText('retention.set').count()) > 0);
  assert.deepEqual(page.complaints, []);
});
