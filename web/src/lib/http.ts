// One request and its answer, in the API's own words: what fails is an error object with its remedy.

export type Refusal = {
  message: string;
  code: string;
  userTitle?: string;
  cntTraceId?: string;
  details: {
    remedy?: string;
    help?: string;
    errors?: { field: string; rule: string; remedy: string }[];
    // The verdict's shape is the caller's business.
    verdict?: any;
    [more: string]: unknown;
  };
};

/** What the server refused. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Refusal,
  ) {
    super(problem.message);
    this.name = 'ApiError';
  }
}

export type Options = {
  body?: unknown;
  query?: Record<string, string | number | boolean | undefined | null>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  csrf?: string | null;
};

/** Called when the server no longer knows who asks. */
export const onSignedOut: { call: () => void } = { call: () => {} };

export function withQuery(path: string, query: Options['query'] = {}): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  if (pairs.length === 0) return path;
  return `${path}?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}`;
}

/** A refusal of Transom's, of the simulator's (`error.message`), or of something in between that speaks neither. */
function refusal(status: number, text: string): Refusal {
  try {
    const body = JSON.parse(text);
    if (typeof body.message === 'string') return { code: '', details: {}, ...body };
    const error = body.error ?? {};
    const details = { remedy: error.remedy ?? body.remedy, errors: error.field ? [error] : undefined };
    if (typeof error.message === 'string') return { message: error.message, code: String(error.code ?? ''), details };
  } catch {
    // Not JSON: said below.
  }
  return {
    message: `The server answered ${status}.`,
    code: '',
    details: { remedy: status >= 500 ? 'Try again; look at the server’s log if it stays so.' : undefined },
  };
}

/** Sends one request. Refusals are thrown as `ApiError`; with no answer at all too, as status 0. */
export async function request<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  if (options.csrf && method !== 'GET') headers['x-transom-csrf'] = options.csrf;
  let body: BodyInit | undefined;
  if (options.body instanceof FormData || options.body instanceof Blob) body = options.body;
  else if (options.body !== undefined) {
    body = JSON.stringify(options.body);
    headers['content-type'] = 'application/json';
  }
  let answer: Response;
  try {
    answer = await fetch(withQuery(path, options.query), { method, headers, body, signal: options.signal ?? null });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ApiError(0, {
      message: 'The server does not answer.',
      code: '',
      details: { remedy: 'Look whether it runs, and try again.' },
    });
  }
  const text = await answer.text();
  if (!answer.ok) {
    if (answer.status === 401 && !path.endsWith('/session')) onSignedOut.call();
    throw new ApiError(answer.status, refusal(answer.status, text));
  }
  return (text ? JSON.parse(text) : undefined) as T;
}
