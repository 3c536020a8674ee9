// The native API's answers, as far as the pages read them. The names are those of /openapi.json.

export type Moment = string;

export type Problem = {
  message: string;
  code: string;
  details: { remedy?: string; help?: string; errors?: { field: string; rule: string; remedy: string }[]; verdict?: Verdict };
};

export type Verdict = {
  kind: 'session' | 'template' | 'needs_approval' | 'unsupported' | 'blocked' | 'direct_send';
  reason: string;
  explanation: string;
  source: string;
  validUntil: Moment | null;
  sentAs: 'session' | 'template' | null;
  contentType: string | null;
  template: { name: string; language: string; category: string | null; version: number | null } | null;
  alternatives: { action: string; explanation: string }[];
  passedOver: { contentType: string; reason: string; explanation: string }[];
};

export type TimelineEntry = {
  what: string;
  by: 'transom' | 'meta';
  at: Moment;
  heardAt: Moment;
  until?: Moment;
  attempt?: number;
  text?: string;
  pricing?: Record<string, unknown>;
};

export type Attempt = {
  number: number;
  status: string;
  startedAt: Moment;
  at: Moment;
  providerMessageId: string | null;
  error: Problem | null;
  note: string | null;
};

export type Message = {
  id: string;
  direction: 'inbound' | 'outbound';
  channel: 'whatsapp' | 'messenger';
  status: string;
  sender: string | null;
  customer: string;
  customerId: string;
  content: Record<string, any> | null;
  verdict: Verdict | null;
  error: Problem | null;
  acceptedAt: Moment;
  notBefore: Moment | null;
  waits?: { reason: string; explanation: string; until: Moment | null } | null;
  presumedLostAt?: Moment;
  expiresAt: Moment | null;
  whenUnknown: string;
  campaignName: string | null;
  callbackData: unknown;
  redacted: boolean;
  edits: { at: Moment; message: Record<string, any> }[] | null;
  revokedAt: Moment | null;
  attempts: Attempt[];
  timeline?: TimelineEntry[];
  pricing: Record<string, unknown> | null;
  details: { providerMessageId: string | null };
};

export type Session = {
  sender: string | null;
  customer: string;
  customerId: string;
  name: string | null;
  open: boolean;
  openUntil: Moment | null;
  closedBecause: string | null;
  lastHeardAt: Moment | null;
  lastRefusedAt: Moment | null;
};

export type Page<T> = { data: T[]; nextPageToken: string | null };

export type Finding = { severity: 'error' | 'warning'; field: string; rule: string; message: string; fix: string; source: string };

export type Content = {
  id: string;
  friendlyName: string;
  language: string;
  types: Record<string, any>;
  variables: Record<string, string>;
  createdAt: Moment;
  updatedAt: Moment;
  warnings?: Finding[];
};

export type Approval = {
  name: string;
  status: string;
  explanation: string;
  category: string;
  requestedCategory: string;
  contentType: string;
  language: string;
  reason: string | null;
  submittedAt: Moment;
  templateId: string | null;
  wabaId: string;
  warnings?: Finding[];
};

export type Component = Record<string, any>;

export type Template = {
  id: string;
  wabaId: string;
  name: string;
  language: string;
  category: string;
  status: string;
  sendable: boolean;
  explanation: string;
  remedy: string | null;
  reason: string | null;
  rejection: { reason?: string; recommendation?: string } | null;
  appealLink: string | null;
  quality: 'GREEN' | 'YELLOW' | 'RED' | 'UNKNOWN' | null;
  pausedUntil: Moment | null;
  disableDate: string | null;
  previousCategory: string | null;
  nextCategory: { category: string; at: Moment | null } | null;
  twin: { name: string; language: string } | null;
  version: number;
  parameterFormat: string;
  components: Component[];
  underReview: { version: number; components: Component[]; since: Moment } | null;
  underWay: { action: string; since: Moment } | null;
  createdAt: Moment;
  updatedAt: Moment;
};

export type TemplateEvent = { at: Moment; by: string; change: string; changed: Record<string, any> };

export type Sender = {
  id: string;
  channel: 'whatsapp' | 'messenger';
  address: string;
  name: string | null;
  accountId: string;
  wabaId: string | null;
  throughput: number;
  state: 'active' | 'stopped';
  stopped: { code: string; message: string; remedy: string; since: Moment } | null;
  capacity?: {
    throughput: { perSecond: number; used: number; restingUntil: Moment | null };
    messagingLimit: {
      tier: string | null;
      customers: number | null;
      reached: number;
      left: number | null;
      nextPlaceAt: Moment | null;
      held: boolean;
    };
    quality: 'GREEN' | 'YELLOW' | 'RED' | null;
    toldAt: Moment | null;
    standing: Record<string, any>;
    templates: number;
    waiting: { total: number; reply: number; utility: number; marketing: number; oldest: Moment | null; nextAt: Moment | null };
    losses: { messages: number; unheard: number; undelivered: number; presumedLost: number; ratio: number };
  };
};

export type Endpoint = {
  id: string;
  url: string;
  description: string;
  events: string[];
  senders: string[];
  channels: string[];
  campaigns: string[];
  payload: string;
  order: string;
  maxConcurrency: number;
  timeoutSeconds: number | null;
  enabled: boolean;
  status: 'healthy' | 'failing' | 'disabled';
  disabledReason: string | null;
  failures: number;
  failingSince: Moment | null;
  restsUntil: Moment | null;
  lastError: string | null;
  lastSuccess: Moment | null;
  cursor: number;
  /** Events that it has yet to come to, and when the oldest of them came. */
  behind: number;
  oldestWaitingAt: Moment | null;
  previousSecretUntil: Moment | null;
  createdAt: Moment;
};

export type Delivery = {
  position: number;
  eventId: string;
  type: string;
  at: Moment;
  outcome: 'pending' | 'delivered' | 'waiting' | 'given_up';
  attempts: number | null;
  lastAttempt: { at: Moment | null; durationMillis: number | null; error: string; status: number | null } | null;
  nextAttemptAt: Moment | null;
  waitingSince: Moment | null;
};

/** A request and its answer, opened, as far as they are kept; what is secret is hidden. */
export type Exchanged = {
  request: { method: string; url: string; headers: Record<string, string>; body: unknown } | null;
  /** What had to go before it, such as a file before its text on Messenger. */
  firstRequest?: Exchanged['request'];
  /** Why there is no request to show. */
  requestError?: string | null;
  answer: { status: number; headers?: Record<string, string>; body: unknown; cut?: boolean } | null;
};

/** One event that tells of a message, and what became of it at each endpoint; a URL is null for who may not see webhooks. */
export type ToldEvent = {
  eventId: string;
  position: number;
  type: string;
  status: string | null;
  at: Moment;
  endpoints: (Pick<Delivery, 'outcome' | 'attempts' | 'nextAttemptAt' | 'lastAttempt'> & { endpointId: string; url: string | null })[];
};

export type Replay = {
  id: string;
  status: string;
  what: string;
  from: number;
  to: number;
  cursor: number;
  delivered: number;
  failed: number;
  createdAt: Moment;
  endedAt: Moment | null;
};

export type JournalEntry = {
  position: number;
  id: string;
  at: Moment;
  app: string;
  outcome: string;
  fields: string[];
  notUnderstood: string[];
  bytes: number;
  erased: boolean;
  passedOver?: string;
  body?: string | null;
  bodyBase64?: string | null;
};

export type Customer = {
  id: string;
  name: string | null;
  username: string | null;
  address: string | null;
  phoneNumber: string | null;
  userId: string | null;
  identities: { identity: string; kind: string; present: boolean; since: Moment; until: Moment | null; learnt: string }[];
  consent: { marketing: Consent | null; everything: Consent | null };
  sessions?: Session[];
};

export type Consent = { choice: 'opted_in' | 'opted_out'; since: Moment };

export type Rules = {
  rules: {
    type: string;
    inSession: Cell;
    outOfSession: Cell;
    messenger: Cell;
    why: { inSession: string; outOfSession: string; messenger: string };
    source: string;
  }[];
  buttons: { case: string; needsApproval: boolean; why: string }[];
};

export type Cell = 'allowed' | 'depends' | 'approval' | 'unsupported';

export type ErrorEntry = { code: string; type: string; status: number; title: string; when: string; remedy: string; help: string };

export type AuditEntry = {
  at: Moment;
  actor: 'key' | 'user' | 'operator' | 'house';
  keyId: string | null;
  userId: string | null;
  action: string;
  object: string;
};

export type Conversation = {
  customerId: string;
  customer: string;
  name: string | null;
  username: string | null;
  channel: 'whatsapp' | 'messenger';
  sender: string | null;
  session: { open: boolean; openUntil: Moment | null; closedBecause: string | null };
  lastMessage: { id: string; direction: string; status: string; at: Moment; type: string; text: string | null } | null;
  unanswered: boolean;
};

export type Key = {
  id: string;
  label: string;
  scopes: string[];
  createdAt: Moment;
  expiresAt: Moment | null;
  revokedAt: Moment | null;
  lastUsedAt?: Moment | null;
  /** Where it was made just now: the key itself. */
  text?: string;
};

/** One thing that was done or looked at to add a sender, or to see how it stands. */
export type Step = { what: string; state: 'done' | 'skipped' | 'warning' | 'failed'; explanation: string; remedy: string | null };

export type User = {
  id: string;
  email: string;
  name: string;
  role: 'owner' | 'agent' | 'viewer';
  /** In every business, as the operator made it. */
  everywhere: boolean;
  createdAt: Moment;
  lastSignInAt: Moment | null;
  password?: string | null;
};

export type Counts = Record<'in' | 'out' | 'sent' | 'delivered' | 'read' | 'failed' | 'cancelled', number>;

export type Overview = {
  from: Moment;
  to: Moment;
  step: 'minute' | 'hour' | 'day';
  series: (Counts & { at: Moment })[];
  totals: Counts;
  openSessions: number;
  openSessionsMore: boolean;
  errors: { code: string; metaCode: number | null; title: string; remedy: string; help: string; count: number; senders: string[]; lastAt: Moment }[];
};
