// A house of its own for each file of tests: `transom dev` in a temporary folder on free ports, and a browser on it.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const BINARY = process.env.TRANSOM_BIN ?? join(ROOT, 'target/debug/transom');
const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
/** With TRANSOM_DIST set, the pages come from `web/dist` as built last, in place of those in the binary: no compiling in between. */
const DIST = process.env.TRANSOM_DIST ? join(ROOT, 'web/dist') : null;
const TYPES = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
/** Where pictures of a run are kept, to be looked at. */
export const PICTURES = join(ROOT, 'target/console-pictures');
/** How long anything may take on a busy machine, in milliseconds. */
export const PATIENCE = Number(process.env.TRANSOM_PATIENCE ?? 30_000);

/** Polls until it gives something, and fails with what it was about. */
export async function until(what, look, patience = PATIENCE) {
  const end = Date.now() + patience;
  let last;
  while (Date.now() < end) {
    try {
      const found = await look();
      if (found) return found;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${what}: not within ${patience} ms${last ? ` (${last.message})` : ''}`);
}

/** A browser, with the folder for its pictures. */
export function launch() {
  mkdirSync(PICTURES, { recursive: true });
  return chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

/** Starts a house; `close` ends it and removes its folder. */
export async function openHouse() {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: cargo build -p transom, or set TRANSOM_BIN`);
  mkdirSync(PICTURES, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'transom-console-'));
  const child = spawn(BINARY, ['dev', '--dir', folder, '--port', '0', '--simulator-port', '0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.on('data', (bytes) => (said += bytes));
  child.stderr.on('data', (bytes) => (said += bytes));
  const env = await until('the house is ready', () => {
    if (child.exitCode !== null) throw new Error(`transom dev ended: ${said}`);
    const path = join(folder, 'dev.env');
    if (!existsSync(path) || !said.includes('ready')) return null;
    return Object.fromEntries(
      readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line.includes('='))
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    );
  });
  const { browser, page, close: closeBrowser } = await browse(env);

  const api = async (method, path, body) => {
    const answer = await fetch(`${env.TRANSOM_URL}/v1/businesses/${env.TRANSOM_BUSINESS}/${path}`, {
      method,
      headers: { 'X-API-Key': env.TRANSOM_API_KEY, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const sim = async (method, path, body) => {
    const answer = await fetch(`${env.SIMULATOR_URL}/sim/v1/${path}`, { method, body: body === undefined ? undefined : JSON.stringify(body) });
    return answer.json();
  };

  const close = async () => {
    await closeBrowser();
    child.kill('SIGTERM');
    await until('the house ends', () => child.exitCode !== null || child.signalCode !== null, 15_000).catch(() => child.kill('SIGKILL'));
    rmSync(folder, { recursive: true, force: true });
  };
  return { env, api, sim, page, close, browser };
}

/** A browser on a house. */
export async function browse(env) {
  if (!existsSync(BROWSER)) throw new Error(`${BROWSER} is missing: install Debian's chromium, or set CHROMIUM`);
  const browser = await launch();

  /** A page; what its console complains of, and every request that leaves the house, fails the test that asks `complaints`. */
  const page = async (path, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', timezoneId: 'UTC', ...options });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => {});
    if (DIST) await serveFrom(context, env.TRANSOM_URL);
    const one = await context.newPage();
    one.setDefaultTimeout(PATIENCE);
    one.complaints = [];
    one.on('pageerror', (error) => one.complaints.push(`error: ${error.stack}`));
    one.on('console', (message) => {
      if (/Content Security Policy|Uncaught/.test(message.text())) one.complaints.push(message.text());
    });
    one.on('request', (request) => {
      const url = new URL(request.url());
      if (/^https?:$/.test(url.protocol) && url.hostname !== '127.0.0.1') one.complaints.push(`leaves the house: ${url.href}`);
    });
    if (path !== 'about:blank') await one.goto(`${path.startsWith('/phone') ? env.SIMULATOR_URL : env.TRANSOM_URL}${path}`);
    return one;
  };
  return { browser, page, close: () => browser.close() };
}

async function serveFrom(context, gateway) {
  const headers = Object.fromEntries((await fetch(`${gateway}/console`)).headers);
  const policy = { 'content-security-policy': headers['content-security-policy'] };
  const body = (name) => readFileSync(join(DIST, name));
  const isFile = (path) => existsSync(join(DIST, path)) && path.includes('.');
  await context.route(/^[^?]*\/(console(\/(?!api\/|sim\/|auth\/).*)?|phone)(\?|$)/, (route) => {
    const path = new URL(route.request().url()).pathname;
    const name = path.replace(/^\/console\/?/, '');
    if (path === '/phone') return route.fulfill({ body: body('phone.html'), contentType: 'text/html', headers: policy });
    if (name && isFile(name)) return route.fulfill({ body: body(name), contentType: TYPES[name.split('.').pop()] });
    return route.fulfill({ body: body('console.html'), contentType: 'text/html', headers: policy });
  });
}

/** The phone of somebody, brought out on the page. */
export function phone(page, name) {
  return page.getByRole('region', { name: `${name}'s phone` });
}

/** Writes as a customer on the phone. */
export async function writeAs(page, name, text) {
  const field = page.getByRole('textbox', { name: `Write as ${name}` });
  await field.fill(text);
  await field.press('Enter');
}

/** The stage, once its verdicts are there. */
export async function openStage(house, options) {
  const page = await house.page('/console/stage', options);
  await page.getByRole('group', { name: 'Try a type' }).getByRole('button', { name: /^authentication: (?!asking)/ }).waitFor();
  return page;
}

/** The button of a type, with its verdict in its name. */
export const typeButton = (page, short, verdict) => page.getByRole('button', { name: `${short}: ${verdict}`, exact: true });
