// Who signs in sees what their role may do, and nothing else; the server refuses the rest all the same.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { join } from 'node:path';
import { openServed, PASSWORD, ROLES } from './served.mjs';

let house;
before(async () => (house = await openServed()));
after(() => house?.close());

/** What a page is asked to change, by its own cookie and token. */
const change = (page, method, path, body) =>
  page.evaluate(
    async ({ method, path, body }) => {
      const { csrf } = await (await fetch('/console/api/session')).json();
      const headers = { 'content-type': 'application/json', 'x-transom-csrf': csrf };
      return (await fetch(path, { method, headers, body: JSON.stringify(body) })).status;
    },
    { method, path, body },
  );

test('each role is offered what it may do', async () => {
  for (const role of ROLES) {
    const page = await house.seat(role);
    const parts = await page.getByRole('navigation', { name: 'Settings' }).getByRole('link').allTextContents();
    assert.equal(parts.includes('API keys') && parts.includes('Audit log'), role === 'owner', `${role}: ${parts}`);
    assert.ok(parts.includes('You'), `${role}: ${parts}`);
    assert.equal(await page.getByRole('button', { name: 'Add a sender' }).count(), role === 'owner' ? 1 : 0, role);
    await page.goto(`${house.url}/console/webhooks`);
    await page.getByText('Nobody is told yet.').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Add an endpoint' }).count(), role === 'owner' ? 1 : 0, role);
    await page.goto(`${house.url}/console/templates/contents`);
    await page.getByText('Nothing is kept yet.').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Write content' }).count(), role === 'owner' ? 1 : 0, role);
    const path = `/v1/businesses/${house.business}`;
    assert.equal((await change(page, 'PUT', `${path}/keywords`, { builtIn: true, languages: {} })) === 403, role !== 'owner', `${role} may change words`);
    assert.equal((await change(page, 'POST', `${path}/messages`, {})) === 403, role === 'viewer', `${role} may send`);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
});

test('another business is offered to who owns them all', async () => {
  house.cli('user', 'add', 'everywhere@shop.example', '--role', 'owner', '--password-file', join(house.folder, 'password'));
  for (const [who, may] of [['owner', false], ['everywhere', true]]) {
    const page = await house.seat(who, '/console/settings/business');
    await page.getByRole('form', { name: 'Rename' }).waitFor();
    assert.equal(await page.getByRole('form', { name: 'Another business' }).count(), may ? 1 : 0, who);
    assert.equal((await change(page, 'POST', '/v1/businesses', { name: '' })) === 403, !may, `${who} may make a business`);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  }
});

test('a wrong password is told, and a new one takes its place', async () => {
  const page = await house.page('/console');
  await page.getByLabel('E-mail').fill('agent@shop.example');
  await page.getByLabel('Password').fill('guessed it wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('is not right').waitFor();
  await page.context().close();

  const [here, there] = [await house.seat('agent', '/console/settings/you'), await house.seat('agent', '/console/settings/you')];
  await here.getByLabel('The present one').fill(PASSWORD);
  await here.getByLabel('The new one').fill(`${PASSWORD}, a rabbit`);
  await here.getByRole('button', { name: 'Change it' }).click();
  // Signed out, here and wherever else.
  await here.getByLabel('E-mail').waitFor();
  await there.reload();
  await there.getByLabel('E-mail').waitFor();
  await here.getByLabel('E-mail').fill('agent@shop.example');
  await here.getByLabel('Password').fill(`${PASSWORD}, a rabbit`);
  await here.getByRole('button', { name: 'Sign in' }).click();
  await here.getByRole('button', { name: 'Sign out everywhere' }).click();
  await here.getByLabel('E-mail').waitFor();
  assert.deepEqual(here.complaints, []);
});
