// What an endpoint is made of, as fields of a form.
import type { Piece } from '../../lib/piece';

export const ENDPOINT: Piece[] = [
  { name: 'url', label: 'Address', kind: 'link', hint: 'https://app.example.com/transom' },
  { name: 'description', label: 'What it is for', kind: 'text', max: 256, optional: true },
  { name: 'events', label: 'Events', about: 'Everything where it is empty; * stands for any stretch.', kind: 'words', hint: 'message.*, session.opened', optional: true },
  { name: 'senders', label: 'Senders', about: 'By address or id; all where it is empty.', kind: 'words', optional: true },
  { name: 'campaigns', label: 'Campaigns', about: 'All where it is empty.', kind: 'words', hint: 'spring-*', optional: true },
  { name: 'payload', label: 'What is posted', kind: 'choice', choices: [['event', 'events'], ['raw', 'Meta’s own webhooks, byte for byte']] },
  { name: 'order', label: 'In which order', kind: 'choice', choices: [['none', 'as fast as can be'], ['conversation', 'one after the other in a conversation']] },
  { name: 'maxConcurrency', label: 'Posts at once, 1 to 32', kind: 'number', min: 1 },
  { name: 'timeoutSeconds', label: 'Seconds to answer, 1 to 30; 0 for the house’s own', kind: 'number', min: 0 },
];

export const FRESH = { maxConcurrency: 8, timeoutSeconds: 0 };
