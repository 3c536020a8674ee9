// The words and marks of states, in one place. A mark never stands without its word.

export type Look = readonly [mark: string, tone: 'good' | 'warn' | 'bad' | 'quiet', word: string];

const GOOD = (word: string): Look => ['●', 'good', word];
const WARN = (word: string): Look => ['▲', 'warn', word];
const BAD = (word: string): Look => ['✕', 'bad', word];
const OPEN = (word: string): Look => ['○', 'quiet', word];
const TURNS = (word: string): Look => ['◔', 'warn', word];

/** Of templates and approvals. */
const TEMPLATES: Record<string, Look> = {
  APPROVED: GOOD('approved'),
  PENDING: TURNS('in review'),
  IN_APPEAL: TURNS('in appeal'),
  SUBMITTING: TURNS('on its way'),
  REJECTED: BAD('rejected'),
  PAUSED: ['‖', 'warn', 'paused'],
  DISABLED: BAD('disabled'),
  PENDING_DELETION: OPEN('being deleted'),
  LIMIT_EXCEEDED: BAD('over the limit'),
};
export const look = (status: string): Look => TEMPLATES[status] ?? OPEN(status.toLowerCase().replaceAll('_', ' '));

const QUALITY: Record<string, Look> = { GREEN: GOOD('high'), YELLOW: WARN('medium'), RED: BAD('low') };
export const quality = (word: string | null | undefined): Look => QUALITY[word ?? ''] ?? OPEN('not rated');

/** Of endpoints. */
export const HEALTH = { healthy: GOOD('healthy'), failing: WARN('failing'), disabled: BAD('off') };
/** Of deliveries. */
export const OUTCOMES = { delivered: GOOD('taken'), pending: OPEN('its turn has not come'), waiting: WARN('tried again'), given_up: BAD('given up') };
/** Of steps. */
export const STEPS = { done: GOOD('done'), skipped: OPEN('left out'), warning: WARN('look at it'), failed: BAD('failed') };
/** Of senders. */
export const SENDS = { active: GOOD('sends'), stopped: BAD('stopped') };
