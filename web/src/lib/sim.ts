// The simulator's controls: through the console's own origin, or on the simulator's port directly.
import { request, type Options } from './http';
import { session } from './session.svelte';

export const SIM = location.pathname.startsWith('/console') ? '/console/sim' : '/sim/v1';

const call = <T>(method: string, path: string, options: Options = {}) =>
  request<T>(method, `${SIM}/${path}`, { csrf: session.csrf, ...options });

export const sim = {
  get: <T>(path: string, query?: Options['query']) => call<T>('GET', path, { query }),
  post: <T>(path: string, body: unknown = {}) => call<T>('POST', path, { body }),
  patch: <T>(path: string, body: unknown) => call<T>('PATCH', path, { body }),
  put: <T>(path: string, body: unknown) => call<T>('PUT', path, { body }),
};

export type Flag = 'not_on_whatsapp' | 'opted_out' | 'capped' | 'experiment' | 'blocked';

/** A customer, of either channel. */
export type Person = {
  id: string;
  channel?: 'messenger';
  name: string;
  online: boolean;
  autoRead: boolean;
  /** The business is writing. */
  typing?: boolean;
  /** WhatsApp. */
  phone?: string | null;
  waId?: string | null;
  userId?: string;
  username?: string | null;
  showPhone?: boolean;
  flags?: Flag[];
  /** Messenger. */
  psid?: string;
  page?: string;
  blocked?: boolean;
};

/** What a phone shows of one message; `direction` is the phone's: `in` came from the business. */
export type Entry = {
  wamid?: string;
  mid?: string;
  direction: 'in' | 'out';
  from: string;
  number?: string;
  page?: string;
  type: string;
  message: Record<string, any>;
  quotes: string | null;
  status: string;
  readByBusiness: boolean;
  edited?: boolean;
  /** On Messenger, the emoji with which the person reacted to it; on WhatsApp a reaction is an entry. */
  reaction?: string | null;
  revoked?: boolean;
  timestamp: number;
};

export type SimTemplate = {
  id: string;
  name: string;
  language: string;
  status: string;
  category: string;
  components: Record<string, any>[];
  rejected_reason?: string;
  quality_score?: { score: string };
};

export type Fault = {
  kind: string;
  share?: number;
  every?: number;
  fields?: string[];
  seed?: number;
  count?: number;
  code?: number;
  ms?: number;
  on?: 'messages' | 'graph';
};

export type SimRequest = {
  seq: number;
  at: number;
  method: string;
  path: string;
  headers: Record<string, string>;
  body: any;
  status: number;
  answer: any;
  answerLost: boolean;
};

export type Product = { id: string; retailerId: string; name: string; price: string; currency: string };
export type Catalog = { id: string; name: string; products: Product[] };

/** The address by which the business knows the person. */
export const addressOf = (person: Person): string =>
  person.channel === 'messenger' ? `messenger:${person.id}` : person.phone && person.showPhone ? person.phone : `bsuid:${person.userId}`;

/** The id of an entry, whichever channel it is of. */
export const idOf = (entry: Entry): string => entry.wamid ?? entry.mid ?? '';

/** When it was, in milliseconds: WhatsApp counts in seconds, Messenger does not. */
export const momentOf = (entry: Entry): number => (entry.timestamp < 1e11 ? entry.timestamp * 1_000 : entry.timestamp);
