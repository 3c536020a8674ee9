// Addresses of the console: `/console/{page}/{rest…}?{query}`. Links are plain anchors; only a plain click is taken over.
import { route } from './route.svelte';
import { session } from './session.svelte';

export const ROOT = '/console';

/** The address of a page: `link('why/01…')`, `link('stage', { try: 'twilio/text' })`. Names the business where there are several. */
export function link(path: string, query: Record<string, string | undefined> = {}): string {
  const all = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== '') all.set(key, value);
  if (session.businesses.length > 1 && session.business) all.set('business', session.business.id);
  const text = all.toString();
  return `${ROOT}/${path.replace(/^\//, '')}${text ? `?${text}` : ''}`;
}

/** Goes to an address of `link`; `replace` leaves no step to come back to. */
export function go(address: string, options: { replace?: boolean } = {}): void {
  history[options.replace ? 'replaceState' : 'pushState'](null, '', address);
  route.read();
}

/** Takes over clicks on the console's own links, and the browser's back and forward. */
export function startRouter(): void {
  addEventListener('popstate', () => route.read());
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const anchor = (event.target as Element).closest?.('a');
    if (!anchor || anchor.target || anchor.hasAttribute('download')) return;
    const url = new URL(anchor.href, location.href);
    const ours = url.origin === location.origin && (url.pathname === ROOT || url.pathname.startsWith(`${ROOT}/`));
    if (!ours || /^\/console\/(api|sim|auth|assets)\//.test(url.pathname)) return;
    event.preventDefault();
    if (url.pathname === location.pathname && url.search === location.search && url.hash) location.hash = url.hash;
    else go(url.pathname + url.search + url.hash);
  });
}
