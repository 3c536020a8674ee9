// What the editor knows of each type: its fields in the order of the phone, and what it begins with. Rules are not here: the service
// says what is wrong.
import type { Piece } from '../../lib/piece';

export type Kind = { type: string; title: string; about: string; pieces: Piece[]; start: Record<string, unknown> };

const text = (name: string, label: string, max?: number): Piece => ({ name, label, kind: 'text', max });
const long = (name: string, label: string, max?: number): Piece => ({ name, label, kind: 'long', max });
const maybe = (piece: Piece): Piece => ({ ...piece, optional: true });
const body = long('body', 'Text', 1024);
const file: Piece = { name: 'media', label: 'Link to a picture, video or document', kind: 'link', only: true, optional: true };
const list = (name: string, label: string, entry: string, max: number, of: Piece[], fresh: Record<string, unknown>): Piece => ({
  name,
  label,
  kind: 'list',
  entry,
  max,
  of,
  fresh,
});

const FURTHER: Record<string, Piece> = {
  QUICK_REPLY: text('id', 'Id that comes back'),
  URL: { ...text('url', 'Address'), kind: 'link' },
  PHONE_NUMBER: text('phone', 'Number'),
  COPY_CODE: text('code', 'Code'),
  VOICE_CALL: { ...text('ttl_minutes', 'Minutes in which to call'), kind: 'number' },
};

/** Buttons of these kinds: which it is, its words, where it leads. */
function buttons(kinds: readonly string[], max = 10): Piece {
  const is = (kind: string) => (b: Record<string, any>) => (b['type'] ?? 'QUICK_REPLY') === kind;
  const words: Piece = { ...text('title', 'Words'), when: (b) => !is('COPY_CODE')(b) };
  const further = kinds.map((kind): Piece => ({ ...FURTHER[kind]!, when: is(kind) }));
  const choice: Piece[] = kinds.length > 1 ? [{ name: 'type', label: 'Kind', kind: 'choice', choices: kinds }] : [];
  return list('actions', 'Buttons', 'button', max, [...choice, words, ...further], { type: kinds[0]!, title: '' });
}

const CARD = ['QUICK_REPLY', 'URL', 'PHONE_NUMBER', 'COPY_CODE', 'VOICE_CALL'];
const CHOOSES = ['SINGLE_SELECT', 'MULTI_SELECT', 'LIST'];
const ASKS = ['SHORT_TEXT', 'LONG_TEXT', 'DATE_PICKER', ...CHOOSES];
const SAYS = ['TEXT_HEADING', 'TEXT_SUBHEADING', 'TEXT_BODY', 'TEXT_CAPTION'];
const one = (kinds: string[]) => (b: Record<string, any>) => kinds.includes(b['type']);
const parts: Piece[] = [
  { name: 'type', label: 'Part', kind: 'choice', choices: [...ASKS, ...SAYS, 'MEDIA', 'FOOTER'] },
  { ...text('label', 'Label'), when: one([...ASKS, 'FOOTER']) },
  { ...text('text', 'Words'), when: one([...SAYS, 'SHORT_TEXT', 'LONG_TEXT']) },
  { name: 'url', label: 'Link to a picture', kind: 'link', when: one(['MEDIA']) },
  { name: 'options', label: 'Choices, one per line', kind: 'lines', when: one(CHOOSES) },
  { name: 'required', label: 'must be answered', kind: 'flag', when: one(ASKS) },
];
const reply = { type: 'QUICK_REPLY', title: '', id: '' };
const card = { title: '', body: '', media: '', actions: [reply] };
const field = { type: 'SHORT_TEXT', label: 'Name', text: 'Name', required: true, input_type: 'TEXT' };
const page = { id: 'page', title: 'Your answer', layout: [field, { type: 'FOOTER', label: 'Send' }] };

export const KINDS: Kind[] = [
  { type: 'twilio/text', title: 'Text', about: 'plain words', pieces: [long('body', 'Text', 1600)], start: { body: '' } },
  {
    type: 'twilio/media',
    title: 'Media',
    about: 'a file, with or without words',
    pieces: [{ ...file, optional: false }, maybe(long('body', 'Text', 1600))],
    start: { body: '', media: [] },
  },
  {
    type: 'twilio/location',
    title: 'Location',
    about: 'a place; in a session only',
    pieces: [{ ...text('latitude', 'Latitude'), kind: 'number' }, { ...text('longitude', 'Longitude'), kind: 'number' }, maybe(text('label', 'Name'))],
    start: { latitude: 52.52, longitude: 13.405, label: '' },
  },
  { type: 'twilio/quick-reply', title: 'Quick replies', about: 'buttons that answer', pieces: [body, buttons(['QUICK_REPLY'])], start: { body: '', actions: [reply] } },
  {
    type: 'twilio/call-to-action',
    title: 'Call to action',
    about: 'links, numbers, codes',
    pieces: [long('body', 'Text', 640), buttons(CARD.slice(1))],
    start: { body: '', actions: [{ type: 'URL', title: '', url: '' }] },
  },
  {
    type: 'twilio/list-picker',
    title: 'List',
    about: 'up to ten rows; in a session only',
    pieces: [
      body,
      text('button', 'Button that opens it', 20),
      list('items', 'Rows', 'row', 10, [text('item', 'Row', 24), maybe(text('description', 'More', 72)), text('id', 'Id that comes back')], { id: '', item: '' }),
    ],
    start: { body: '', button: 'Choose', items: [{ id: 'first', item: '' }] },
  },
  {
    type: 'twilio/card',
    title: 'Card',
    about: 'file, text, small print, buttons',
    pieces: [file, long('title', 'Text', 1024), maybe(text('subtitle', 'Small print', 60)), maybe(buttons(CARD))],
    start: { title: '', subtitle: '', media: [], actions: [] },
  },
  {
    type: 'whatsapp/card',
    title: 'WhatsApp card',
    about: 'as a card, with a heading in words',
    pieces: [maybe(text('header_text', 'Heading', 60)), file, body, maybe(text('footer', 'Small print', 60)), maybe(buttons(CARD))],
    start: { body: '', header_text: '', footer: '', media: [], actions: [] },
  },
  {
    type: 'twilio/carousel',
    title: 'Carousel',
    about: 'cards side by side; always needs approval',
    pieces: [
      body,
      list('cards', 'Cards', 'card', 10, [text('title', 'Heading'), text('body', 'Text'), { ...file, only: false }, buttons(CARD.slice(0, 3), 2)], card),
    ],
    start: { body: '', cards: [card, card] },
  },
  {
    type: 'twilio/catalog',
    title: 'Catalog',
    about: 'products of yours',
    pieces: [
      text('id', 'Id of the catalog at Meta'),
      maybe(text('title', 'Heading', 60)),
      body,
      maybe(text('subtitle', 'Small print', 60)),
      maybe(list('items', 'Products; none shows the whole catalog', 'product', 30, [text('id', 'Its id'), text('section_title', 'Section')], { id: '', section_title: '' })),
    ],
    start: { id: '', title: '', body: '', subtitle: '', items: [] },
  },
  {
    type: 'twilio/flows',
    title: 'Flow',
    about: 'a form; always needs approval',
    pieces: [
      body,
      text('button_text', 'Button', 20),
      maybe(text('subtitle', 'Small print', 60)),
      {
        name: 'type',
        label: 'What it is for',
        kind: 'choice',
        choices: ['SIGN_UP', 'SIGN_IN', 'APPOINTMENT_BOOKING', 'LEAD_GENERATION', 'CONTACT_US', 'CUSTOMER_SUPPORT', 'SURVEY', 'OTHER'],
      },
      list(
        'pages',
        'Pages',
        'page',
        10,
        [text('title', 'Heading'), text('id', 'Id'), maybe(text('next_page_id', 'Id of the next page')), list('layout', 'Parts', 'part', 20, parts, field)],
        page,
      ),
    ],
    start: { body: '', button_text: 'Open', subtitle: '', type: 'OTHER', pages: [page] },
  },
  {
    type: 'whatsapp/flows',
    title: 'WhatsApp flow',
    about: 'a form that is at Meta already',
    pieces: [body, text('button_text', 'Button', 20), text('flow_id', 'Id of the flow at Meta'), maybe(text('subtitle', 'Small print', 80))],
    start: { body: '', button_text: 'Open', flow_id: '', subtitle: '' },
  },
  {
    type: 'whatsapp/authentication',
    title: 'One-time code',
    about: 'words are Meta’s; always needs approval',
    pieces: [
      { name: 'add_security_recommendation', label: 'Add the advice not to share it', kind: 'flag' },
      maybe({ name: 'code_expiration_minutes', label: 'Minutes for which it holds', kind: 'number' }),
    ],
    start: { add_security_recommendation: true, code_expiration_minutes: 10, actions: [{ type: 'COPY_CODE', copy_code_text: 'Copy code' }] },
  },
];

export const kindOf = (type: string): Kind | undefined => KINDS.find((k) => k.type === type);

/** What a type begins with, to be written on. */
export const startOf = (type: string): Record<string, any> => structuredClone(kindOf(type)?.start ?? {});
