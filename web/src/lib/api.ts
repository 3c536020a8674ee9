// The native API, as the chosen business: the same operations, checks and errors that every other client has.
import { request, withQuery, type Options } from './http';
import { session } from './session.svelte';

export { ApiError } from './http';

/** A path inside the business (`messages/01…`), or, with a leading `/`, of the whole server. */
export function pathOf(path: string): string {
  if (path.startsWith('/')) return path;
  return `/v1/businesses/${session.business?.id ?? ''}/${path}`;
}

const call = <T>(method: string, path: string, options: Options = {}) =>
  request<T>(method, pathOf(path), { csrf: session.csrf, ...options });

export const get = <T>(path: string, options?: Options) => call<T>('GET', path, options);
export const post = <T>(path: string, body?: unknown, options?: Options) => call<T>('POST', path, { ...options, body });
export const put = <T>(path: string, body?: unknown, options?: Options) => call<T>('PUT', path, { ...options, body });
export const patch = <T>(path: string, body?: unknown, options?: Options) => call<T>('PATCH', path, { ...options, body });
export const remove = <T>(path: string, options?: Options) => call<T>('DELETE', path, options);

const tables = new Map<string, Promise<unknown>>();

/** A table of the server that does not change while it runs (`rules`, `errors`): read once. */
export function table<T>(name: string): Promise<T> {
  let found = tables.get(name);
  if (!found) {
    found = request<T>('GET', `/v1/${name}`, { csrf: null });
    found.catch(() => tables.delete(name));
    tables.set(name, found);
  }
  return found as Promise<T>;
}

/** Keeps a file with the gateway, to be sent as `reference`. */
export function upload(file: File): Promise<{ id: string; reference: string; contentType: string }> {
  return post('media', file, { query: { filename: file.name } });
}

/** A command that does the same in a shell, with the key left to the environment. */
export function curl(method: string, path: string, body?: unknown, query?: Options['query']): string {
  const url = withQuery(pathOf(path), query);
  const lines = [`curl -sS -X ${method} "$TRANSOM_URL${url}"`, '-H "X-API-Key: $TRANSOM_API_KEY"'];
  if (body !== undefined) {
    lines.push("-H 'Content-Type: application/json'", `-d '${JSON.stringify(body).replaceAll("'", String.raw`'\''`)}'`);
  }
  return lines.join(' \\\n  ');
}
