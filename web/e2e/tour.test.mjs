// The tour by hand: write from the phone, see the session open, answer, turn the clock, be refused with the reason, submit, approve at
// the desk, send, see it read.
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
