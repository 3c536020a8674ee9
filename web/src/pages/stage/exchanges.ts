// A message's life as exchanges between four parties, put together from what each of them has on record: the message's timeline,
// the simulator's log of calls, the webhooks it posted, the events that were told. Pure: the same records give the same picture.
import type { LiveEvent } from '../../lib/live';
import type { Message, TimelineEntry, ToldEvent } from '../../lib/native';
import { lineOf } from '../../lib/shown-native';
import type { Posted } from '../../lib/desk.svelte';
import type { SimRequest } from '../../lib/sim';
import { exact } from '../../lib/time';

export const LANES = ['your app', 'Transom', 'Meta', 'customer'] as const;
export type Lane = 0 | 1 | 2 | 3;
const [APP, TRANSOM, META, CUSTOMER] = [0, 1, 2, 3] as const;

/** How an arrow looks; all but `plain` have their word written beside. */
export type Look = 'plain' | 'waiting' | 'retried' | 'duplicated' | 'refused' | 'lost';

export type Exchange = {
  key: string;
  /** World time, milliseconds. */
  at: number;
  from: Lane;
  to: Lane;
  label: string;
  note?: string;
  look: Look;
  message?: string;
  detail: Detail;
};

/** What a click shows. */
export type Detail = {
  why?: string;
  request?: { line: string; headers?: Record<string, string>; body?: unknown };
  answer?: { line: string; headers?: Record<string, string>; body?: unknown };
  /** A delivery, whose request and answer are read when it is looked at. */
  delivery?: string;
  /** The call of the API that does or shows this. */
  call?: { method: string; path: string; body?: unknown };
};

export type Records = { requests: SimRequest[]; posted: Posted[]; events: LiveEvent[]; told: Record<string, ToldEvent[]> };

const ms = (at: string) => new Date(at).getTime();
const short = (id: string) => (id.length > 16 ? `${id.slice(0, 10)}…${id.slice(-4)}` : id);

/** The exchanges of one message, in order. */
export function exchangesOf(message: Message, records: Records): Exchange[] {
  const rows = message.direction === 'inbound' ? inbound(message, records) : outbound(message, records);
  return [...rows, ...told(message, records)].sort(inOrder);
}

/** By time; what happened in one millisecond stays in the order in which it must have. */
export const inOrder = (a: Exchange, b: Exchange): number => a.at - b.at || rank(a) - rank(b);
const rank = (one: Exchange) => [one.from, one.to].join('') === '01' ? 0 : one.from < one.to ? one.from + 1 : 6 - one.to;

function inbound(message: Message, records: Records): Exchange[] {
  const heard = ms(message.timeline?.[0]?.heardAt ?? message.acceptedAt);
  const posts = records.posted.filter((post) => isAbout(post, message));
  const rows: Exchange[] = [
    {
      key: `${message.id} wrote`,
      at: Math.min(heard, ...posts.map((post) => post.at)) - 2,
      from: CUSTOMER,
      to: META,
      label: lineOf(message) || 'writes',
      look: 'plain',
      message: message.id,
      detail: { why: 'The customer wrote on the phone. For WhatsApp a session with this sender is open for 24 hours from now.', request: { line: 'On the phone', body: message.content } },
    },
  ];
  return [...rows, ...webhooks(message, posts, [{ what: 'messages', at: heard - 1 }])];
}

function outbound(message: Message, records: Records): Exchange[] {
  const timeline = message.timeline ?? [];
  const verdict = message.verdict;
  const calls = records.requests.filter((one) => one.method === 'POST' && JSON.stringify(one.body ?? '').includes(`"${message.id}.`));
  const rows: Exchange[] = [
    {
      key: `${message.id} asked`,
      at: ms(message.acceptedAt),
      from: APP,
      to: TRANSOM,
      label: 'POST /messages → 201',
      note: verdict ? `verdict: ${verdict.kind}${verdict.template ? ` ${verdict.template.name}` : ''}` : undefined,
      look: 'plain',
      message: message.id,
      detail: {
        why: verdict?.explanation,
        request: { line: `to ${message.customer}`, body: message.content },
        answer: { line: `201, on disk before you heard it: ${message.id}`, body: verdict },
        call: { method: 'GET', path: `messages/${message.id}` },
      },
    },
  ];
  for (const attempt of message.attempts) {
    const call = calls.find((one) => JSON.stringify(one.body).includes(`"${message.id}.${attempt.number}"`));
    rows.push(attempted(message, attempt.number, ms(attempt.startedAt), attempt.error?.message ?? null, attempt.status, call));
  }
  if (message.waits) {
    rows.push({
      key: `${message.id} waits`,
      at: Math.max(ms(message.acceptedAt), ...timeline.map((one) => ms(one.heardAt))) + 1,
      from: TRANSOM,
      to: META,
      label: message.waits.until ? `until ${exact(message.waits.until, 'time')}` : 'not yet',
      note: message.waits.explanation,
      look: 'waiting',
      message: message.id,
      detail: { why: message.waits.explanation, call: { method: 'GET', path: `messages/${message.id}` } },
    });
  }
  const posts = records.posted.filter((post) => isAbout(post, message));
  const said = timeline.filter((one) => one.by === 'meta' && ['sent', 'delivered', 'read', 'failed'].includes(one.what));
  const posted = webhooks(message, posts, said.filter((one) => message.channel === 'whatsapp' || one.what !== 'sent').map((one) => ({ what: one.what, at: ms(one.heardAt) - 1 })));
  rows.push(...posted, ...seen(message, said, posted));
  for (const one of timeline) {
    if (!['given_up', 'expired', 'cancelled'].includes(one.what)) continue;
    rows.push({
      key: `${message.id} ${one.what}`,
      at: ms(one.heardAt),
      from: TRANSOM,
      to: META,
      label: one.what.replaceAll('_', ' '),
      note: one.text,
      look: 'refused',
      message: message.id,
      detail: { why: one.text ?? message.error?.message },
    });
  }
  return rows;
}

function attempted(message: Message, number: number, at: number, error: string | null, status: string, call: SimRequest | undefined): Exchange {
  const code = call?.answer?.error?.code as number | undefined;
  const isLost = call ? call.answerLost || call.status === 0 : status === 'unknown';
  const look: Look = isLost ? 'lost' : code !== undefined || (call && call.status >= 400) || (!call && error) ? 'refused' : number > 1 ? 'retried' : 'plain';
  const wamid = (call?.answer?.messages?.[0]?.id ?? call?.answer?.message_id) as string | undefined;
  const result = isLost ? 'no answer' : code !== undefined ? `${call?.status} #${code}` : wamid ? `${call?.status} ${short(wamid)}` : call ? String(call.status) : error ? 'refused' : 'taken';
  return {
    key: `${message.id} attempt ${number}`,
    at,
    from: TRANSOM,
    to: META,
    label: `POST …/messages → ${result}`,
    note: number > 1 ? `attempt ${number}` : undefined,
    look,
    message: message.id,
    detail: {
      why: isLost
        ? 'The answer did not arrive. The attempt was on disk before it left, so nothing is lost: a status that carries its tag settles it.'
        : (error ?? (number > 1 ? `The attempt before did not go through; this is attempt ${number}.` : message.verdict?.explanation)),
      request: call ? { line: `${call.method} ${call.path}`, headers: call.headers, body: call.body } : { line: 'no longer in the simulator’s log' },
      answer: call ? { line: isLost ? `${call.status || 'none'}, which Transom never saw` : String(call.status), body: call.answer } : undefined,
    },
  };
}

/** What happens between Meta and the phone, as Meta said it. */
function seen(message: Message, said: TimelineEntry[], posted: Exchange[]): Exchange[] {
  const rows: Exchange[] = [];
  const has = (what: string) => said.find((one) => one.what === what);
  /** Before Meta told of it, whenever that was heard. */
  const before = (what: string, one: TimelineEntry) =>
    Math.min(ms(one.heardAt) - 1, ...posted.filter((post) => post.label.startsWith(`webhook ${what}`)).map((post) => post.at)) - 1;
  const row = (what: string, one: TimelineEntry, more: Partial<Exchange>): Exchange => ({
    key: `${message.id} phone ${what}`,
    at: before(what, one),
    from: META,
    to: CUSTOMER,
    label: what,
    look: 'plain',
    message: message.id,
    detail: { why: one.text },
    ...more,
  });
  const delivered = has('delivered');
  if (delivered) rows.push(row('delivered', delivered, { label: '✓✓ on the phone', detail: { why: 'The message is on the customer’s phone.' } }));
  const read = has('read');
  if (read) rows.push(row('read', read, { from: CUSTOMER, to: META, label: '✓✓ read', detail: { why: 'The customer saw it, and sends read receipts.' } }));
  const failed = has('failed');
  if (failed) rows.push(row('failed', failed, { label: 'not delivered', note: message.error?.message ?? failed.text, look: 'refused', detail: { why: message.error?.message ?? failed.text } }));
  const sent = has('sent');
  if (sent && !delivered && !failed) {
    rows.push(row('waits', sent, { label: 'waits for the phone', look: 'waiting', at: ms(sent.heardAt) + 1, detail: { why: 'Meta has it; the phone is offline. It arrives once the phone is online again.' } }));
  }
  return rows;
}

/** Webhooks from Meta: as they were posted, where the page watched, else as the timeline has them. */
function webhooks(message: Message, posts: Posted[], heard: { what: string; at: number }[]): Exchange[] {
  const rows: Exchange[] = [];
  const taken = new Map<string, number>();
  const tried = new Map<string, number>();
  for (const post of [...posts].sort((a, b) => a.at - b.at || a.number - b.number)) {
    const what = aboutWhat(post, message);
    const before = taken.get(what) ?? 0;
    const failures = tried.get(what) ?? 0;
    const isTaken = post.status !== null && post.status < 300;
    const look: Look = post.status === null ? 'lost' : !isTaken ? 'refused' : before > 0 ? 'duplicated' : failures > 0 ? 'retried' : 'plain';
    (isTaken ? taken : tried).set(what, (isTaken ? before : failures) + 1);
    rows.push({
      key: `${message.id} webhook ${post.number}`,
      at: post.at,
      from: META,
      to: TRANSOM,
      label: `webhook ${what} → ${post.status ?? 'no answer'}`,
      look,
      message: message.id,
      detail: {
        why:
          look === 'duplicated'
            ? 'Meta sent it again. It is on record once: what was heard before changes nothing.'
            : look === 'lost'
              ? 'It did not get through. Meta sends it again.'
              : 'Heard, and on disk before Meta got its 200.',
        request: { line: `POST ${new URL(post.url).pathname}`, body: post.body },
        answer: { line: `${post.status ?? 'none'} after ${post.tookMs} ms` },
        call: { method: 'GET', path: `journal?message=${message.id}` },
      },
    });
  }
  for (const one of heard) {
    if (taken.has(one.what)) continue;
    rows.push({
      key: `${message.id} heard ${one.what}`,
      at: one.at,
      from: META,
      to: TRANSOM,
      label: `webhook ${one.what} → 200`,
      look: 'plain',
      message: message.id,
      detail: { why: 'Heard, and on disk before Meta got its 200. The raw body is in the journal.', call: { method: 'GET', path: `journal?message=${message.id}` } },
    });
  }
  return rows;
}

/** Events told of the message: to each endpoint that wants them, else on the stream alone. */
function told(message: Message, { events, told }: Records): Exchange[] {
  return events
    .filter((event) => event.data['messageId'] === message.id || (event.type === 'session.opened' && opened(event, message)))
    .flatMap((event) => {
      const status = event.data['status'] as string | undefined;
      const name = event.type === 'message.status' ? (status ?? event.type) : event.type;
      const row: Exchange = {
        key: `${event.id} told`,
        at: ms(event.at) + 1,
        from: TRANSOM,
        to: APP,
        label: name,
        note: 'on the event stream',
        look: 'plain',
        message: message.id,
        detail: {
          why: 'It is on the event stream. Add a webhook endpoint to have it delivered.',
          request: { line: `${event.type}, position ${event.position}`, body: event },
          call: { method: 'GET', path: `events?after=${event.position - 1}&limit=1` },
        },
      };
      const endpoints = told[message.id]?.find((one) => one.eventId === event.id)?.endpoints ?? [];
      return endpoints.length ? endpoints.map((one) => delivered(row, event, one, endpoints.length > 1)) : [row];
    });
}

/** One event on its way to one endpoint. */
function delivered(row: Exchange, event: LiveEvent, one: ToldEvent['endpoints'][number], named: boolean): Exchange {
  const { outcome, lastAttempt: last } = one;
  const tries = one.attempts ?? 0;
  const is = outcome === 'delivered';
  const look: Look = is ? (tries > 1 ? 'retried' : 'plain') : outcome === 'given_up' ? 'refused' : 'waiting';
  const host = one.url && new URL(one.url).host;
  const note = [named && host, is ? tries > 1 && `attempt ${tries}` : last?.error].filter(Boolean).join(': ');
  return {
    ...row,
    key: `${row.key} ${one.endpointId}`,
    at: last?.at ? Math.max(row.at, ms(last.at)) : row.at,
    label: `${row.label} → ${is ? 'taken' : (last?.status ?? (tries ? 'no answer' : 'on its way'))}`,
    note: note || undefined,
    look,
    detail: {
      why: is
        ? `${host ?? 'The endpoint'} took it${tries > 1 ? `, at try ${tries}` : ''}.`
        : outcome === 'given_up'
          ? 'Given up. It stays on record, and can be sent again under Webhooks.'
          : `${tries ? `${last?.error}. ` : ''}It is told again${one.nextAttemptAt ? ` at ${exact(one.nextAttemptAt, 'time')}` : ' soon'}, until it is taken or its time is over.`,
      delivery: `endpoints/${one.endpointId}/deliveries/${event.id}`,
      call: { method: 'GET', path: `endpoints/${one.endpointId}/deliveries/${event.id}` },
    },
  };
}

/** Whether the session was opened by this message: told in the same commit. */
const opened = (event: LiveEvent, message: Message) =>
  message.direction === 'inbound' && event.data['parties']?.customerId === message.customerId && Math.abs(ms(event.at) - ms(message.acceptedAt)) < 5;

/** What a webhook says, one by one: of a status, of a message, or in Messenger's form. */
type Said = { word: string; about: (wamids: Set<string>, id: string) => boolean };

function saidIn(post: Posted): Said[] {
  const all: Said[] = [];
  for (const entry of post.body?.entry ?? []) {
    for (const change of entry.changes ?? []) {
      for (const status of change.value?.statuses ?? []) {
        const tag = String(status.biz_opaque_callback_data ?? '');
        all.push({ word: status.status, about: (wamids, id) => wamids.has(status.id) || tag.startsWith(`${id}.`) });
      }
      for (const message of change.value?.messages ?? []) all.push({ word: 'messages', about: (wamids) => wamids.has(message.id) });
    }
    for (const one of entry.messaging ?? []) {
      const mids: string[] = one.delivery?.mids ?? [one.read?.mid, one.message?.mid, one.postback?.mid].filter(Boolean);
      const tag = String(one.message?.metadata ?? '');
      const word = one.delivery ? 'delivered' : one.read ? 'read' : one.message?.is_echo ? 'echo' : 'messages';
      all.push({ word, about: (wamids, id) => mids.some((mid) => wamids.has(mid)) || tag.startsWith(`${id}.`) });
    }
  }
  return all;
}

const known = (message: Message) =>
  new Set([message.details.providerMessageId, ...message.attempts.map((one) => one.providerMessageId)].filter(Boolean) as string[]);

const isAbout = (post: Posted, message: Message): boolean => {
  const wamids = known(message);
  return saidIn(post).some((one) => one.about(wamids, message.id));
};

/** What a webhook says of the message, in one word where it is one. */
function aboutWhat(post: Posted, message: Message): string {
  const wamids = known(message);
  const words = saidIn(post).flatMap((one) => (one.about(wamids, message.id) ? [one.word] : []));
  return [...new Set(words)].join(', ');
}
