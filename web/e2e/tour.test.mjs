// The tour by hand: write from the phone, see the session open, answer, turn the clock, be refused with the reason, submit, approve at
// the desk, send, see it read; and once more with a template of one's own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { openHouse, openStage, phone, PICTURES, typeButton, until, writeAs } from './house.mjs';

let house;
before(async () => (house = await openHouse()));
after(() => house?.close());

test('the tour by hand', async () => {
  const page = await openStage(house);
  const exchanges = page.getByRole('list', { name: 'Exchanges' });
  const session = page.getByRole('status').filter({ hasText: 'session' });

  // Bo has never written: nothing goes as it is.
  await page.getByRole('group', { name: 'Phones' }).getByRole('button', { name: 'Bo' }).click();
  await session.getByText('has never written').waitFor();
  await typeButton(page, 'text', 'needs approval').waitFor();

  // He writes; the session opens, and the text goes.
  await writeAs(page, 'Bo', 'Hello, are you *open*?');
  await session.getByText(/23h 59m left|24h 00m left/).waitFor();
  await typeButton(page, 'text', 'goes').click();
  await phone(page, 'Bo').getByText('is ready. We are open until 18:00.').waitFor();
  await exchanges.getByRole('button', { name: /Transom to Meta: POST .*messages → 200 wamid/ }).waitFor();
  await exchanges.getByRole('button', { name: /Meta to customer: ✓✓ on the phone/ }).waitFor();
  await exchanges.getByRole('button', { name: /Meta to Transom: webhook delivered → 200/ }).waitFor();
  await exchanges.getByRole('button', { name: /Transom to your app: delivered/ }).waitFor();

  // He reads it.
  await phone(page, 'Bo').getByRole('button', { name: /^Read/ }).click();
  await exchanges.getByRole('button', { name: /customer to Meta: ✓✓ read/ }).waitFor();
  await page.screenshot({ path: join(PICTURES, 'stage.png') });

  // An arrow opens: what was sent, what came back, and why.
  await exchanges.getByRole('button', { name: /Transom to Meta: POST/ }).last().click();
  const exchange = page.getByRole('region', { name: 'The exchange' });
  await exchange.getByText('"messaging_product": "whatsapp"').first().waitFor();
  await exchange.getByRole('button', { name: 'Close' }).click();

  // A message's stage has an address of its own.
  const [message] = (await house.api('GET', 'messages?direction=outbound&pageSize=1')).body.data;
  const alone = await house.page(`/console/stage/${message.id}`);
  await alone.getByText(`The life of message ${message.id}`).waitFor();
  await alone.getByRole('list', { name: 'Exchanges' }).getByRole('button', { name: /your app to Transom: POST/ }).waitFor();
  assert.deepEqual(alone.complaints, []);
  await alone.context().close();

  // The session closes before one's eyes.
  await page.getByRole('button', { name: 'Just before it closes' }).click();
  await session.getByText(/^\d+ s left|1m 00s left/).waitFor();
  await page.screenshot({ path: join(PICTURES, 'stage-closing.png') });
  await page.getByRole('button', { name: '+1 h' }).click();
  await session.getByText('closed', { exact: true }).waitFor();

  // Refused, with the reason, on the record of the stage.
  await typeButton(page, 'text', 'needs approval').click();
  await exchanges.getByRole('button', { name: /POST \/messages → 400\W+refused/ }).waitFor();
  await page.getByRole('region', { name: 'text: needs approval' }).getByText('Outside a session only an approved template may go').waitFor();
  await page.screenshot({ path: join(PICTURES, 'stage-refused.png') });

  // Submitted, approved at the desk, sent as a template, seen on the phone, read.
  await page.getByRole('button', { name: 'Submit for approval' }).click();
  const desk = page.getByRole('region', { name: "Reviewer's desk" });
  await desk.getByText('1 template waits for review.').waitFor();
  await desk.getByRole('button', { name: /^Approve stage_twilio_text/ }).click();
  await typeButton(page, 'text', 'goes as a template').click();
  await until('the template is on the phone', async () => (await phone(page, 'Bo').getByText('is ready. We are open until 18:00.').count()) === 2);
  await phone(page, 'Bo').getByRole('button', { name: /^Read/ }).click();
  await until('it is read', async () => (await house.api('GET', 'messages?direction=outbound&pageSize=1')).body.data[0].status === 'read');
  assert.deepEqual(page.complaints, []);
});

test('the tour by hand, with a template of one’s own', async () => {
  // Written, and found wanting before anybody at Meta sees it.
  const page = await house.page('/console/templates/contents/new');
  await page.getByLabel('Name, for you').fill('Tea is back');
  await page.getByRole('group', { name: 'Types' }).getByRole('button', { name: 'Quick replies' }).waitFor();
  const text = page.locator('label').filter({ hasText: /^\s*Text/ });
  await text.getByRole('textbox').fill('{{1}}, the tea is back.');
  await page.getByLabel('Words of button 1').fill('Thanks');
  await page.getByLabel('Id that comes back of button 1').fill('thanks');
  await page.getByLabel('{{1}}').fill('Ana');
  await page.getByRole('button', { name: 'Keep it' }).click();
  const submit = page.getByRole('button', { name: 'Submit to Meta' });
  await submit.waitFor();
  await until('the linter objects', () => submit.isDisabled());
  await text.getByText('The body begins with a variable.').waitFor();
  await page.screenshot({ path: join(PICTURES, 'tour-lint.png') });
  await text.getByRole('textbox').fill('Hello {{1}}, the tea that you liked is back in our shop.');
  await page.getByText('Nothing stands against it.').waitFor();
  await submit.click();
  await page.getByText('in review').waitFor();

  // Approved at the desk.
  const stage = await openStage(house);
  const desk = stage.getByRole('region', { name: "Reviewer's desk" });
  await desk.getByRole('button', { name: /^Approve tea_is_back/ }).click();
  await page.getByText('approved').first().waitFor();

  // Sent to Bo, whose session is over, and read.
  await house.sim('POST', 'clock', { advanceSeconds: 25 * 3_600 });
  const [{ customerId }] = (await house.api('GET', 'conversations?q=Bo')).body.data;
  await page.goto(`${house.env.TRANSOM_URL}/console/conversations/${customerId}`);
  await page.getByRole('textbox', { name: 'Search for a template' }).fill('tea');
  await page.getByRole('list', { name: 'Templates that may go' }).getByRole('button', { name: /tea_is_back/ }).click();
  await page.getByLabel('{{1}}').fill('Bo');
  const send = page.getByRole('button', { name: 'Send', exact: true });
  await until('it may go', () => send.isEnabled());
  await send.click();
  const words = 'Hello Bo, the tea that you liked is back in our shop.';
  await stage.getByRole('group', { name: 'Phones' }).getByRole('button', { name: 'Bo' }).click();
  await phone(stage, 'Bo').getByText(words).waitFor();
  const sent = page.getByRole('log', { name: 'Messages' }).locator('.turn').filter({ hasText: words });
  await sent.getByRole('img', { name: 'delivered' }).waitFor();
  await phone(stage, 'Bo').getByRole('button', { name: /^Read/ }).click();
  await sent.getByRole('img', { name: 'read' }).waitFor();
  await page.screenshot({ path: join(PICTURES, 'tour-read.png') });
  assert.deepEqual([...page.complaints, ...stage.complaints], []);
  await Promise.all([page.context().close(), stage.context().close()]);
});

test('the desk says no, pauses, and moves to another category', async () => {
  const stands = async (name) => (await house.api('GET', `templates/${name}`)).body.data[0];
  const submit = async (name) => {
    const body = `Hello {{1}}, this is about your order with us: ${name.replaceAll('_', ' ')}.`;
    const kept = await house.api('POST', 'contents', { friendlyName: name, language: 'en', types: { 'twilio/text': { body } }, variables: { 1: 'Ana' } });
    const made = await house.api('POST', `contents/${kept.body.id}/approvals`, { name, category: 'UTILITY' });
    assert.equal(made.status, 201, JSON.stringify(made.body));
  };
  await submit('parcel_lost');
  await submit('parcel_found');
  const page = await house.page('/console/stage');
  const desk = page.getByRole('region', { name: "Reviewer's desk" });
  const open = (name) => desk.getByRole('button', { name: new RegExp(`^${name}`) }).click();
  await desk.getByText('2 templates wait for review.').waitFor();
  await open('parcel_lost');
  await desk.getByLabel('Reason to reject').selectOption('INVALID_FORMAT');
  await desk.getByLabel('What is wrong').fill('Nobody knows which parcel.');
  await desk.getByRole('button', { name: 'Reject', exact: true }).click();
  const rejected = await until('it is rejected', async () => {
    const found = await stands('parcel_lost');
    return found.status === 'REJECTED' && found;
  });
  assert.match(JSON.stringify([rejected.reason, rejected.rejection]), /INVALID_FORMAT.*Nobody knows which parcel/);

  await desk.getByRole('button', { name: /^Approve parcel_found/ }).click();
  await until('it is approved', async () => (await stands('parcel_found')).sendable);
  await desk.getByText(/^\d+ decided$/).click();
  await open('parcel_found');
  await desk.getByRole('button', { name: 'Pause' }).click();
  await until('it is paused', async () => (await stands('parcel_found')).status === 'PAUSED');
  await desk.getByRole('button', { name: 'Let go on' }).click();
  await until('it goes on', async () => (await stands('parcel_found')).sendable);
  await desk.getByLabel('New category').selectOption('MARKETING');
  await desk.getByRole('button', { name: 'Recategorise' }).click();
  await until('it is in another category', async () => (await stands('parcel_found')).category === 'MARKETING');
  // What Meta did stands in its history.
  const template = await house.page('/console/templates/parcel_found/en');
  for (const word of ['paused', 'now marketing']) await template.getByText(word).first().waitFor();
  assert.deepEqual([...page.complaints, ...template.complaints], []);
  await Promise.all([page.context().close(), template.context().close()]);
});

test('faults look different', async () => {
  const page = await openStage(house);
  await page.getByRole('group', { name: 'Phones' }).getByRole('button', { name: 'Ana' }).click();
  await writeAs(page, 'Ana', 'Hello?');
  const faults = page.getByRole('region', { name: 'Faults' });
  await faults.getByRole('button', { name: 'Add' }).click();
  await faults.getByLabel('What').selectOption({ label: 'Meta’s answer is lost on its way' });
  await faults.getByRole('button', { name: 'Order it' }).click();
  await faults.getByText('Meta’s answer is lost on its way').first().waitFor();
  await typeButton(page, 'text', 'goes').click();
  const exchanges = page.getByRole('list', { name: 'Exchanges' });
  await exchanges.getByRole('button', { name: /Transom to Meta: POST .* no answer\W+lost/ }).waitFor();
  // Nothing is lost all the same: the status that carries its tag settles it.
  await exchanges.getByRole('button', { name: /Meta to Transom: webhook delivered → 200/ }).waitFor();
  await page.screenshot({ path: join(PICTURES, 'stage-lost.png') });
  assert.deepEqual(page.complaints, []);
});
