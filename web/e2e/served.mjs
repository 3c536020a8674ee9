// A house as it is served to people who sign in: `transom serve` in a temporary folder, one business, and an account of each role.
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BINARY, browse, until } from './house.mjs';

export const PASSWORD = 'a horse, a battery, a staple';
export const ROLES = ['owner', 'agent', 'viewer'];

/** Starts it; `page` opens one where nobody is signed in, `seat` one of somebody of a role. */
export async function openServed() {
  const folder = mkdtempSync(join(tmpdir(), 'transom-served-'));
  const seal = randomBytes(32).toString('hex');
  const child = spawn(BINARY, ['serve', '--dir', folder, '--listen', '127.0.0.1:0', '--set', 'console.enabled=true'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TRANSOM_SEAL_KEY: seal },
  });
  let said = '';
  child.stdout.on('data', (bytes) => (said += bytes));
  child.stderr.on('data', (bytes) => (said += bytes));
  const url = await until('the house is ready', () => {
    if (child.exitCode !== null) throw new Error(`transom serve ended: ${said}`);
    return /^ready (\S+)/m.exec(said)?.[1];
  });
  const cli = (...words) => execFileSync(BINARY, [...words, '--dir', folder], { encoding: 'utf8', env: { ...process.env, TRANSOM_SEAL_KEY: seal } });
  const business = /[0-9A-HJKMNP-TV-Z]{26}/.exec(cli('business', 'add', '--name', 'Tea shop'))[0];
  writeFileSync(join(folder, 'password'), PASSWORD, { mode: 0o600 });
  for (const role of ROLES) {
    cli('user', 'add', `${role}@shop.example`, '--name', `The ${role}`, '--role', role, '--business', business, '--password-file', join(folder, 'password'));
  }
  const { page, close: closeBrowser } = await browse({ TRANSOM_URL: url });

  const seat = async (role, path = '/console/settings') => {
    const one = await page(path);
    await one.getByLabel('E-mail').fill(`${role}@shop.example`);
    await one.getByLabel('Password').fill(PASSWORD);
    await one.getByRole('button', { name: 'Sign in' }).click();
    await one.getByRole('navigation', { name: 'Pages' }).waitFor();
    return one;
  };
  const close = async () => {
    await closeBrowser();
    child.kill('SIGTERM');
    await until('the house ends', () => child.exitCode !== null || child.signalCode !== null, 15_000).catch(() => child.kill('SIGKILL'));
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, business, folder, cli, page, seat, close };
}
