// Conversations: the list stays still while things happen, and the composer knows what may go before it is sent.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { openHouse, PICTURES, until } from './house.mjs';

let house;
before(async () => (house = await openHouse()));
after(() => house?.close());

const says = (customer, body) => house.sim('POST', `customers/${customer.id}/messages`, { type: 'text', text: { body } });
const named = async (name) => (await house.sim('GET', 'customers')).data.find((one) => one.name === name);
const heard = (body) =>
  until(`${body} was heard`, async () => JSON.stringify((await house.api('GET', 'messages?direction=inbound&pageSize=20')).body.data).includes(body));

test('the list stays where it is while others write', async () => {
  const [ana, bo] = [await named('Ana'), await named('Bo')];
  await says(bo, 'First from Bo');
  await heard('First from Bo');
  await says(ana, 'Then from Ana');
  await heard('Then from Ana');
  const page = await house.page('/console/conversations');
  const names = () => page.locator('[data-row] strong').allTextContents();
  await until('both are listed', async () => (await names()).join() === 'Ana,Bo');
  await says(bo, 'Again from Bo');
  const announced = page.getByRole('button', { name: /something new/ });
  await announced.waitFor();
  assert.deepEqual(await names(), ['Ana', 'Bo']);
  await announced.click();
  await until('the list is in order again', async () => (await names()).join() === 'Bo,Ana');
  await page.getByRole('searchbox').fill('ana');
  await until('the search', async () => (await names()).join() === 'Ana');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('closed, the composer fills a template, and shows it before it goes', async () => {
  const ana = await named('Ana');
  await says(ana, 'Is it ready?');
  await heard('Is it ready?');
  const made = await house.api('POST', 'contents', {
    friendlyName: 'order_ready', language: 'en', types: { 'twilio/text': { body: 'Hello {{1}}, your order {{2}} is ready for you.' } }, variables: { 1: 'Ana', 2: 'A17' },
  });
  await house.api('POST', `contents/${made.body.id}/approvals`, { name: 'order_ready', category: 'UTILITY' });
  const [waiting] = await until('it waits at the desk', async () => {
    const found = (await house.sim('GET', 'templates')).data.filter((one) => one.name === 'order_ready');
    return found.length > 0 && found;
  });
  await house.sim('POST', `templates/${waiting.id}/review`, { decision: 'approve' });
  await until('it may be sent', async () => (await house.api('GET', 'templates/order_ready')).body.data[0]?.sendable);
  const [{ customerId }] = (await house.api('GET', 'messages?direction=inbound&pageSize=1')).body.data;
  const page = await house.page(`/console/conversations/${customerId}`);
  await page.getByText('Goes as a session message').waitFor();
  await house.sim('POST', 'clock', { advanceSeconds: 25 * 3_600 });
  // No text may go now: what is typed searches the templates.
  const search = page.getByRole('textbox', { name: 'Search for a template' });
  await search.waitFor();
  await search.fill('order');
  await page.getByRole('list', { name: 'Templates that may go' }).getByRole('button', { name: /order_ready/ }).click();
  const send = page.getByRole('button', { name: 'Send', exact: true });
  await page.getByText('2 fields are to be filled.').waitFor();
  assert.equal(await send.isEnabled(), false);
  await page.getByLabel('{{1}}').fill('Ana');
  await page.getByLabel('{{2}}').fill('B42');
  await page.locator('.bubble').filter({ hasText: 'Hello Ana, your order B42 is ready for you.' }).waitFor();
  await until('it may go', () => send.isEnabled());
  await page.screenshot({ path: join(PICTURES, 'composer-template.png') });
  await send.click();
  await page.getByRole('log', { name: 'Messages' }).getByText('Hello Ana, your order B42 is ready for you.').waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('on Messenger a named human may still answer', async () => {
  const dora = await house.sim('POST', 'customers', { channel: 'messenger', name: 'Dora' });
  await says(dora, 'Hello from Messenger');
  await heard('Hello from Messenger');
  const [{ customerId }] = (await house.api('GET', 'messages?direction=inbound&pageSize=1')).body.data;
  await house.sim('POST', 'clock', { advanceSeconds: 25 * 3_600 });
  const page = await house.page(`/console/conversations/${customerId}`);
  await page.getByText('Cannot go this way').waitFor();
  await page.getByLabel('I answer in person').check();
  await page.getByLabel('Who answers').fill('Mia');
  await page.getByRole('textbox', { name: 'Message' }).fill('Hello Dora, this is Mia.');
  await until('it may go', () => page.getByRole('button', { name: 'Send', exact: true }).isEnabled());
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
  await until('it is on the phone', async () => JSON.stringify((await house.sim('GET', `customers/${dora.id}/inbox`)).data).includes('this is Mia'));
  assert.deepEqual(page.complaints, []);
});

/** Somebody new who wants nothing more. */
async function stopped(name, phone) {
  const person = await house.sim('POST', 'customers', { name, phone, showPhone: true });
  await says(person, 'STOP');
  const [{ customerId }] = await until('STOP was heard', async () => {
    const found = (await house.api('GET', `conversations?q=${name}`)).body.data;
    return found.length > 0 && found;
  });
  const wants = async () => (await house.api('GET', `customers/${customerId}`)).body.consent.everything.choice;
  const resumes = async () => {
    // Meta tells moments in whole seconds, and of words of one moment the one to stop counts.
    await house.sim('POST', 'clock', { advanceSeconds: 60 });
    await says(person, 'START');
    await until('START was heard', async () => (await wants()) === 'opted_in');
  };
  return { customerId, resumes };
}

test('who wants nothing more is marked, and no more once they do', async () => {
  const { customerId, resumes } = await stopped('Eva', '+49 30 23125 044');
  const page = await house.page(`/console/conversations/${customerId}`);
  await page.getByText('wants no messages').waitFor();
  await resumes();
  await page.getByText('wants no messages').waitFor({ state: 'detached' });
  const told = await house.api('POST', `customers/${customerId}/consent`, { scope: 'marketing', choice: 'opted_out', said: 'No offers, please.' });
  assert.equal(told.status, 200, JSON.stringify(told.body));
  await page.getByText('wants no marketing').waitFor();
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('what happens before the page hears of anything is shown', async () => {
  const { customerId, resumes } = await stopped('Finn', '+49 30 23125 046');
  const page = await house.page('about:blank');
  let connect;
  const connected = new Promise((resolve) => (connect = resolve));
  await page.route('**/events/stream', async (route) => {
    await connected;
    await route.continue();
  });
  await page.goto(`${house.env.TRANSOM_URL}/console/conversations/${customerId}`);
  await page.getByText('wants no messages').waitFor();
  await resumes();
  connect();
  await page.getByText('wants no messages').waitFor({ state: 'detached' });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a long thread is read on, and a message that is opened is read once', async () => {
  const gil = await house.sim('POST', 'customers', { name: 'Gil', phone: '+49 30 23125 047', showPhone: true });
  // One page more than is read at once.
  for (let i = 1; i <= 60; i++) await says(gil, `Word ${i} of many`);
  await heard('Word 60 of many');
  const [{ customerId }] = (await house.api('GET', 'conversations?q=Gil')).body.data;
  const page = await house.page('about:blank');
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(`${house.env.TRANSOM_URL}/console/conversations/${customerId}`);
  const thread = page.getByRole('log', { name: 'Messages' });
  await thread.getByText('Word 60 of many').waitFor();
  assert.equal(await thread.getByText('Word 1 of many').count(), 0);
  await thread.getByRole('button', { name: 'Older messages' }).click();
  await thread.getByText('Word 1 of many').waitFor();
  await thread.getByRole('button', { name: 'Older messages' }).waitFor({ state: 'detached' });

  await thread.getByRole('button', { name: 'Show what happened to this message' }).last().click();
  await page.getByRole('complementary', { name: 'Message' }).getByText('Heard from Meta').waitFor();
  const id = page.url().split('/').pop();
  assert.equal(await thread.getByText('Word 1 of many').count(), 1, 'the thread stays as it is');
  // A second of frames, in which nothing happens to it.
  await page.evaluate(() => new Promise((done) => {
    const frame = (left) => (left ? requestAnimationFrame(() => frame(left - 1)) : done());
    frame(60);
  }));
  const readings = asked.filter((path) => path.endsWith(`/messages/${id}`)).length;
  assert.ok(readings >= 1 && readings <= 3, `read ${readings} times`);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a search is live, and channels are told apart', async () => {
  const bo = await named('Bo');
  const page = await house.page('/console/conversations');
  const names = () => page.locator('[data-row] strong').allTextContents();
  await until('somebody is on Messenger', async () => (await names()).includes('Dora'));
  await page.getByLabel('Channel').selectOption('messenger');
  await until('only she is listed', async () => (await names()).join() === 'Dora');
  await page.getByLabel('Channel').selectOption('');
  await page.getByRole('searchbox').fill('bo');
  await until('the search', async () => (await names()).join() === 'Bo');
  await says(bo, 'While you look for me');
  await page.locator('[data-row]').getByText('While you look for me').waitFor();
  // Who else is called so comes to it.
  await says(await house.sim('POST', 'customers', { name: 'Boris', phone: '+49 30 23125 045', showPhone: true }), 'Me too');
  await page.getByRole('button', { name: /something new/ }).click();
  await until('both are found', async () => (await names()).join() === 'Boris,Bo');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
