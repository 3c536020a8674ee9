// Signing in with the company's own account, at a certified OpenID Connect provider of somebody else's, in a real browser: the provider is
// another site, so cookies cross as they do in life.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import Provider from 'oidc-provider';
import { BINARY, launch, PATIENCE, PICTURES, until } from './house.mjs';

const SECRET = 'a-secret-of-the-client-that-is-long-enough';
const folder = mkdtempSync(join(tmpdir(), 'transom-company-'));
let provider, gateway, url, browser;

before(async () => {
  // First its port, then the gateway that must know it, then the provider that must know the gateway.
  let answer;
  provider = createServer((request, response) => answer(request, response));
  await new Promise((done) => provider.listen(0, '127.0.0.1', done));
  const issuer = `http://localhost:${provider.address().port}`;
  const transom = (...args) => execFileSync(BINARY, [...args, '--dir', folder], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  transom('business', 'add', '--name', 'Shop');
  transom('user', 'add', 'ana@shop.example', '--name', 'Ana', '--no-password');
  gateway = spawn(
    BINARY,
    ['serve', '--dir', folder, '--listen', '127.0.0.1:0', '--set', `oidc.issuer=${issuer}`, '--set', 'oidc.client_id=transom'],
    { env: { ...process.env, TRANSOM_OIDC__CLIENT_SECRET: SECRET }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  gateway.stdout.on('data', (bytes) => (said += bytes));
  gateway.stderr.on('data', (bytes) => (said += bytes));
  url = await until('the gateway is ready', () => /^ready (http:\S+)$/m.exec(said)?.[1]);
  const oidc = new Provider(issuer, {
    clients: [{ client_id: 'transom', client_secret: SECRET, redirect_uris: [`${url}/console/auth/oidc/callback`] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: ['one', 'two'] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@shop.example`, email_verified: true, name: id }),
    }),
  });
  answer = oidc.callback();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  gateway?.kill('SIGTERM');
  provider?.closeAllConnections();
  provider?.close();
  if (gateway) await until('the gateway ends', () => gateway.exitCode !== null || gateway.signalCode !== null);
  rmSync(folder, { recursive: true, force: true });
});

async function open(path) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`${url}${path}`);
  return page;
}

/** At the provider's own pages: who one is, and that Transom may know it. */
async function signInThere(page, name) {
  await page.getByRole('link', { name: /company/ }).click();
  await page.locator('input[name=login]').fill(name);
  await page.locator('input[name=password]').fill('anything');
  await page.locator('button[type=submit]').click();
  await page.locator('button[type=submit]', { hasText: 'Continue' }).click();
}

test('somebody with an account comes in, to the page they wanted, and stays', async () => {
  const page = await open('/console/rules?x=1');
  await signInThere(page, 'ana');
  await page.waitForURL(`${url}/console/rules?x=1`);
  await page.getByRole('navigation').first().waitFor();
  const cookies = await page.context().cookies(url);
  assert.deepEqual(
    cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })),
    [{ name: `transom_console_${new URL(url).port}`, httpOnly: true, sameSite: 'Strict' }],
  );
  // The strict cookie was set on the way back from another site, and goes along from here on.
  const session = await page.evaluate(() => fetch('/console/api/session').then((answer) => answer.json()));
  assert.equal(session.user.email, 'ana@shop.example');
  await page.reload();
  await page.getByRole('navigation').first().waitFor();
  await page.screenshot({ path: join(PICTURES, 'company-signed-in.png') });
  await page.context().close();
});

test('somebody without one is told why, in words, once', async () => {
  const page = await open('/console/');
  await signInThere(page, 'bo');
  await page.getByText('no account here yet').waitFor();
  await page.screenshot({ path: join(PICTURES, 'company-refused.png') });
  await page.reload();
  await page.getByRole('link', { name: /company/ }).waitFor();
  assert.equal(await page.getByText('no account here yet').count(), 0);
  await page.context().close();
});

test('who breaks off at the provider is told so', async () => {
  const page = await open('/console/');
  await page.getByRole('link', { name: /company/ }).click();
  await page.locator('input[name=login]').waitFor();
  await page.getByRole('link', { name: /Cancel/ }).click();
  await page.getByText('broken off').waitFor();
  await page.context().close();
});
