// Each of the twelve types is sent, as a session message or once approved, and its bubble on the phone kept as a picture.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { openHouse, openStage, phone, PICTURES, typeButton, until, writeAs } from './house.mjs';

let house;
before(async () => (house = await openHouse()));
after(() => house?.close());

const TYPES = ['text', 'media', 'location', 'quick reply', 'call to action', 'list', 'card', 'WhatsApp card', 'carousel', 'catalog', 'flow', 'authentication'];
/** What the phone makes of each. */
const KINDS = {
  text: 'text', media: 'media', location: 'location', 'quick reply': 'buttons', 'call to action': 'buttons', list: 'list', card: 'buttons',
  'WhatsApp card': 'buttons', carousel: 'template', catalog: 'catalog', flow: 'template', authentication: 'template',
};
const APPROVED_FIRST = ['carousel', 'flow', 'authentication'];

test('each of the twelve types arrives', async () => {
  const page = await openStage(house);
  await page.getByRole('group', { name: 'Phones' }).getByRole('button', { name: 'Ana' }).click();
  await writeAs(page, 'Ana', 'Hello, what do you have?');
  await typeButton(page, 'text', 'goes').waitFor();
  const wall = phone(page, 'Ana').getByRole('log');
  for (const type of TYPES) {
    const before = await wall.locator('.bubble:not(.mine)').count();
    if (APPROVED_FIRST.includes(type)) {
      await typeButton(page, type, 'needs approval').click();
      await page.getByRole('button', { name: 'Submit for approval' }).click();
      await page.getByRole('region', { name: "Reviewer's desk" }).getByRole('button', { name: /^Approve stage_/ }).click();
      await typeButton(page, type, 'goes as a template').click();
    } else await typeButton(page, type, 'goes').click();
    await until(`${type} is on the phone`, async () => (await wall.locator('.bubble:not(.mine)').count()) > before);
    const bubble = wall.locator('.bubble:not(.mine)').last();
    assert.equal(await bubble.getAttribute('data-kind'), KINDS[type], type);
    if (['media', 'card'].includes(type)) {
      await until(`the picture of ${type} is there`, () => bubble.locator('img').evaluate((image) => image.complete && image.naturalWidth > 0));
    }
    await bubble.screenshot({ path: join(PICTURES, `bubble-${type.replaceAll(' ', '-')}.png`) });
  }
  await page.screenshot({ path: join(PICTURES, 'twelve.png') });
  assert.deepEqual(page.complaints, []);
});

test('what the customer can do with them', async () => {
  const page = await house.page('/console/stage');
  const ana = phone(page, 'Ana');
  const wall = ana.getByRole('log');
  const last = () => wall.locator('.bubble.mine').last();
  await wall.getByRole('button', { name: 'Yes' }).first().click();
  await until('the reply', async () => (await last().textContent()).includes('Yes'));
  await wall.getByRole('button', { name: 'Choose' }).click();
  await ana.getByRole('dialog', { name: 'Choose' }).getByRole('button', { name: /Black tea/ }).click();
  await until('the row', async () => (await last().textContent()).includes('Black tea'));
  await wall.getByRole('button', { name: 'Book' }).click();
  const flow = ana.getByRole('dialog', { name: 'Book' });
  await flow.getByLabel('Day').fill('Friday');
  await flow.getByRole('button', { name: 'Send' }).click();
  await until('the form', async () => (await last().textContent()).includes('Friday'));
  await wall.getByRole('button', { name: 'View items' }).click();
  const shop = ana.getByRole('dialog', { name: 'Catalog' });
  await shop.getByLabel(/^How many of/).first().fill('2');
  await shop.getByRole('button', { name: 'Send order' }).click();
  await until('the order', async () => (await last().textContent()).includes('2 ×'));
  await wall.getByRole('group', { name: 'Cards' }).last().getByRole('button', { name: 'See' }).last().click();
  await page.getByText('Opens https://shop.example.com/tea').waitFor();
  for (const sample of ['Picture', 'Location', 'Contact']) {
    const before = await wall.locator('.bubble.mine').count();
    await ana.getByRole('button', { name: 'Attach, as Ana' }).click();
    await ana.getByRole('button', { name: sample, exact: true }).click();
    await until(sample, async () => (await wall.locator('.bubble.mine').count()) > before);
  }
  await wall.getByRole('button', { name: 'Do something with this message' }).last().click();
  await wall.getByRole('button', { name: 'React 👍' }).click();
  await wall.locator('.reaction', { hasText: '👍' }).waitFor();
  const act = async (name) => {
    await wall.getByRole('button', { name: 'Do something with this message' }).last().click();
    await wall.getByRole('button', { name }).click();
  };
  await act('Take reaction back');
  await wall.locator('.reaction').waitFor({ state: 'detached' });
  await act('Quote');
  await writeAs(page, 'Ana', 'Until when?');
  await until('the text', async () => (await last().textContent()).includes('Until when?'));
  await last().locator('.quote').getByText('Cara Meier').waitFor();
  const { customerId } = await until('it is heard', async () => {
    const found = await lastOf('inbound');
    return JSON.stringify(found.content).includes('Until when?') && found;
  });
  const thread = await house.page(`/console/conversations/${customerId}`);
  await thread.getByRole('log', { name: 'Messages' }).locator('.quote').getByText('Cara Meier').first().waitFor();
  await thread.context().close();
  await act('Edit');
  await until('the edit', async () => /edited/.test(await last().locator('.meta').textContent()));
  await act('Delete for everyone');
  await until('the deletion', async () => (await last().textContent()).includes('This message was deleted'));
  await page.screenshot({ path: join(PICTURES, 'phone-both-ways.png') });
  assert.deepEqual(page.complaints, []);
});

/** A customer made on the page, whose phone is out then. */
async function newcomer(page, name, fill) {
  await page.getByRole('button', { name: 'New', exact: true }).click();
  const form = page.getByRole('form', { name: 'New customer' });
  await form.getByLabel('Name').fill(name);
  await fill(form);
  await form.getByRole('button', { name: 'Make' }).click();
  await phone(page, name).waitFor();
}
const lastOf = async (direction) => (await house.api('GET', `messages?direction=${direction}&pageSize=1`)).body.data[0];

test('read receipts, on and off', async () => {
  const page = await openStage(house);
  await newcomer(page, 'Finn', () => {});
  const finn = phone(page, 'Finn');
  await writeAs(page, 'Finn', 'Are you open?');
  const send = async () => {
    const before = (await lastOf('outbound')).id;
    await typeButton(page, 'text', 'goes').click();
    return until('it is sent', async () => {
      const { id } = await lastOf('outbound');
      return id !== before && id;
    });
  };
  const reaches = (id, status) => until(`it is ${status}`, async () => (await house.api('GET', `messages/${id}`)).body.status === status);
  const [first, read] = [await send(), finn.getByRole('button', { name: /^Read/ })];
  await read.waitFor();
  await reaches(first, 'delivered');
  await read.click();
  await reaches(first, 'read');
  await finn.getByRole('button', { name: "Settings of Finn's phone" }).click();
  const atOnce = finn.getByRole('checkbox', { name: /Reads at once/ });
  await atOnce.check();
  await until('it is set', async () => (await house.sim('GET', 'customers')).data.find((one) => one.name === 'Finn').autoRead);
  await reaches(await send(), 'read');
  await atOnce.uncheck();
  await until('it is taken back', async () => !(await house.sim('GET', 'customers')).data.find((one) => one.name === 'Finn').autoRead);
  const third = await send();
  await read.waitFor();
  await reaches(third, 'delivered');
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a customer without a visible number', async () => {
  const page = await openStage(house);
  await newcomer(page, 'Gita', (form) => form.getByLabel('The business sees the number').uncheck());
  const gita = phone(page, 'Gita');
  await gita.getByText('@gita').waitFor();
  await writeAs(page, 'Gita', 'Guess who');
  await typeButton(page, 'text', 'goes').click();
  await gita.getByText('Hello Gita, your').waitFor();
  const { customer } = await lastOf('outbound');
  assert.match(customer, /^bsuid:/);
  await gita.screenshot({ path: join(PICTURES, 'phone-no-number.png') });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('a Messenger phone', async () => {
  const page = await openStage(house);
  await newcomer(page, 'Hana', (form) => form.getByLabel('Channel').selectOption('messenger'));
  const hana = phone(page, 'Hana');
  const wall = hana.getByRole('log');
  await writeAs(page, 'Hana', 'Hello from Messenger');
  await typeButton(page, 'location', 'never this way').waitFor();
  await typeButton(page, 'quick reply', 'goes').click();
  await wall.getByRole('button', { name: 'Yes' }).click();
  await until('the reply', async () => (await wall.locator('.bubble.mine').last().textContent()).includes('Yes'));
  const act = async (bubble, name) => {
    await bubble.locator('xpath=..').getByRole('button', { name: 'Do something with this message' }).click();
    await wall.getByRole('button', { name }).click();
  };
  await hana.getByRole('button', { name: 'Attach, as Hana' }).click();
  await hana.getByRole('button', { name: 'Location', exact: true }).click();
  await wall.locator('.bubble.mine[data-kind=location]').waitFor();
  const theirs = wall.locator('.bubble:not(.mine)').last();
  await act(theirs, 'React ❤️');
  await wall.locator('.reaction', { hasText: '❤️' }).waitFor();
  await act(theirs, 'Take reaction back');
  await wall.locator('.reaction').waitFor({ state: 'detached' });
  await act(theirs, 'Quote');
  await writeAs(page, 'Hana', 'Until which day?');
  await wall.locator('.bubble.mine').last().locator('.quote').getByText('shall we keep your order').waitFor();
  await hana.getByRole('button', { name: /^Read/ }).click();
  await until('it is read', async () => (await lastOf('outbound')).status === 'read');
  await hana.screenshot({ path: join(PICTURES, 'phone-messenger.png') });
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test('the table of buttons is played, cell by cell', async () => {
  const table = await house.page('/console/rules');
  const links = table.getByRole('link', { name: /^Play it: / });
  await links.first().waitFor();
  const { buttons: all } = await (await fetch(`${house.env.TRANSOM_URL}/v1/rules`)).json();
  // No content has other buttons.
  const buttons = all.filter((one) => one.case !== 'other');
  assert.equal(await links.count(), buttons.length);
  const ways = await links.evaluateAll((all) => all.map((one) => one.getAttribute('href')));
  for (const [i, { case: name, needsApproval }] of buttons.entries()) {
    await table.goto(`${house.env.TRANSOM_URL}${ways[i]}`);
    const why = table.getByRole('region', { name: needsApproval ? 'card: needs approval' : 'card: goes', exact: true });
    await why.waitFor().catch(() => assert.fail(name));
  }
  assert.deepEqual(table.complaints, []);
});
