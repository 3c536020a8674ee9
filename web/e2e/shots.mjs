// The pictures of the README, made from a house that a short story was played in: `npm run shots`.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openHouse, openStage, phone, typeButton, until, writeAs } from './house.mjs';

const FOLDER = fileURLToPath(new URL('../../docs/images/', import.meta.url));
mkdirSync(FOLDER, { recursive: true });
const house = await openHouse();
try {
  const page = await openStage(house, { deviceScaleFactor: 1 });
  await page.getByRole('group', { name: 'Phones' }).getByRole('button', { name: 'Ana' }).click();
  await writeAs(page, 'Ana', 'Hello! Is my *order* ready?');
  for (const type of ['card', 'list']) {
    await typeButton(page, type, 'goes').click();
    await page.getByRole('list', { name: 'Exchanges' }).getByRole('button', { name: /✓✓ on the phone/ }).last().waitFor();
  }
  const wall = phone(page, 'Ana').getByRole('log');
  await wall.getByRole('button', { name: 'Choose' }).click();
  await phone(page, 'Ana').getByRole('button', { name: /Black tea/ }).click();
  await until('the row', async () => (await wall.locator('.bubble.mine').last().textContent()).includes('Black tea'));
  await phone(page, 'Ana').getByRole('button', { name: /^Read/ }).click();
  await page.getByRole('list', { name: 'Exchanges' }).getByRole('button', { name: /✓✓ read/ }).first().waitFor();
  await page.screenshot({ path: join(FOLDER, 'stage.png') });
  await phone(page, 'Ana').screenshot({ path: join(FOLDER, 'phone.png') });
  const [message] = (await house.api('GET', 'messages?direction=outbound&pageSize=1')).body.data;
  for (const [name, path] of [['conversation', `conversations/${message.customerId}/${message.id}`], ['overview', 'overview']]) {
    await page.goto(`${house.env.TRANSOM_URL}/console/${path}`);
    await page.locator('h1').first().waitFor({ state: 'attached' });
    await page.waitForLoadState('networkidle', { timeout: 5_000 }).catch(() => {});
    await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  }
  console.log(`pictures in ${FOLDER}`);
} finally {
  await house.close();
}
