// Two pages from one source: `console.html` (everything) and `phone.html` (what the simulator alone can show). The output is
// committed, so that whoever has only the Rust toolchain has the console: nothing in it may depend on the day or the machine.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { readFileSync } from 'node:fs';
import { lean } from './build/lean.mjs';
import { defineConfig, type Plugin, type ProxyOptions } from 'vite';

/** For `npm run dev`: the console's addresses lead to its page, as they do at the gateway. */
const addresses: Plugin = {
  name: 'addresses',
  configureServer(server) {
    server.middlewares.use((request, _response, next) => {
      const path = request.url?.split('?')[0] ?? '';
      if (/^\/console(\/(?!api\/|sim\/|auth\/)[^.]*)?$/.test(path)) request.url = '/console.html';
      if (path === '/phone') request.url = '/phone.html';
      next();
    });
  },
};

/** For `npm run dev`: the `dev.env` of a running `transom dev`, named by TRANSOM_ENV. */
function devEnv(): Record<string, string> {
  const path = process.env['TRANSOM_ENV'] ?? '../.transom/dev.env';
  try {
    const lines = readFileSync(path, 'utf8').split('\n');
    return Object.fromEntries(lines.filter((line) => line.includes('=')).map((line) => line.split(/=(.*)/s).slice(0, 2)));
  } catch {
    return {};
  }
}

export default defineConfig(({ command }) => {
  const env = command === 'serve' ? devEnv() : {};
  const gateway: ProxyOptions = { target: env['TRANSOM_URL'] ?? 'http://127.0.0.1:8080' };
  const simulator: ProxyOptions = { target: env['SIMULATOR_URL'] ?? 'http://127.0.0.1:8090' };
  return {
    base: command === 'build' ? '/console/' : '/',
    plugins: [svelte(), addresses, lean],
    build: {
      target: 'es2022',
      // The first that know `light-dark()`.
      cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
      outDir: 'dist',
      assetsDir: 'assets',
      emptyOutDir: true,
      // The content security policy lets no inline data through but pictures.
      assetsInlineLimit: 0,
      modulePreload: false,
      rollupOptions: {
        input: { console: 'console.html', phone: 'phone.html' },
        // One file compresses a tenth better than many, and loads whole faster than the budget of a first paint asks for.
        output: { codeSplitting: { groups: [{ name: 'app', test: /src|node_modules/ }] } },
      },
    },
    server: {
      proxy: {
        '/v1': gateway,
        '/docs': gateway,
        '/console/api': gateway,
        '/console/sim': gateway,
        '/sim/v1': simulator,
      },
    },
  };
});
