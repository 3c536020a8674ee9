// The twelve content types as the stage plays them: one sample each, filled with the customer's name.
import { get, upload } from '../../lib/api';
import { sim, type Catalog } from '../../lib/sim';

export type Play = { type: string; short: string; category: 'UTILITY' | 'MARKETING' | 'AUTHENTICATION'; content: (shop: Shop) => Record<string, unknown> };
export type Shop = { picture: string; catalog: string; products: string[]; form?: string };

const reply = (title: string) => ({ type: 'QUICK_REPLY', title, id: title.toLowerCase() });
const see = { type: 'URL', title: 'See', url: 'https://shop.example.com/tea' };
const track = { type: 'URL', title: 'Track', url: 'https://shop.example.com/track/{{2}}' };

export const TWELVE: Play[] = [
  { type: 'twilio/text', short: 'text', category: 'UTILITY', content: () => ({ body: 'Hello {{1}}, your *order* is ready. We are open until 18:00.' }) },
  { type: 'twilio/media', short: 'media', category: 'UTILITY', content: ({ picture }) => ({ body: 'Hello {{1}}, this is what waits for you.', media: [picture] }) },
  { type: 'twilio/location', short: 'location', category: 'UTILITY', content: () => ({ latitude: 52.52, longitude: 13.405, label: 'Our shop' }) },
  {
    type: 'twilio/quick-reply',
    short: 'quick reply',
    category: 'UTILITY',
    content: () => ({ body: 'Hello {{1}}, shall we keep your order until tomorrow?', actions: [reply('Yes'), reply('No')] }),
  },
  {
    type: 'twilio/call-to-action',
    short: 'call to action',
    category: 'UTILITY',
    content: () => ({ body: 'Hello {{1}}, your order is on its way to you.', actions: [track] }),
  },
  {
    type: 'twilio/list-picker',
    short: 'list',
    category: 'UTILITY',
    content: () => ({
      body: 'Hello {{1}}, which tea shall it be?',
      button: 'Choose',
      items: [
        { id: 'green', item: 'Green tea', description: 'Light, from the first harvest' },
        { id: 'black', item: 'Black tea', description: 'Strong, for the morning' },
      ],
    }),
  },
  {
    type: 'twilio/card',
    short: 'card',
    category: 'UTILITY',
    content: ({ picture }) => ({ title: 'Hello {{1}}, your parcel is packed and leaves today.', subtitle: 'Desk shop', media: [picture], actions: [reply('Track'), reply('Help')] }),
  },
  {
    type: 'whatsapp/card',
    short: 'WhatsApp card',
    category: 'UTILITY',
    content: () => ({ body: 'Hello {{1}}, your parcel is packed and leaves today.', header_text: 'Your order', footer: 'Desk shop', actions: [reply('Track'), reply('Help')] }),
  },
  {
    type: 'twilio/carousel',
    short: 'carousel',
    category: 'MARKETING',
    content: ({ picture }) => ({
      body: 'Hello {{1}}, these came in this week.',
      cards: [
        { title: 'Green tea', body: 'Light, from the first harvest', media: picture, actions: [see] },
        { title: 'Black tea', body: 'Strong, for the morning', media: picture, actions: [see] },
      ],
    }),
  },
  {
    type: 'twilio/catalog',
    short: 'catalog',
    category: 'MARKETING',
    content: ({ catalog, products }) => ({
      id: catalog,
      title: 'Our tea',
      body: 'Hello {{1}}, here is what we have today.',
      subtitle: 'Desk shop',
      items: products.slice(0, 2).map((id) => ({ id, section_title: 'Tea' })),
    }),
  },
  {
    type: 'twilio/flows',
    short: 'flow',
    category: 'UTILITY',
    content: () => ({
      body: 'Hello {{1}}, when do you want to come by?',
      button_text: 'Book',
      type: 'APPOINTMENT_BOOKING',
      pages: [
        {
          id: 'first',
          title: 'Your visit',
          layout: [
            { type: 'TEXT_HEADING', text: 'When will you come?' },
            { type: 'SHORT_TEXT', label: 'Day', text: 'Day', required: true, input_type: 'TEXT' },
            { type: 'FOOTER', label: 'Send' },
          ],
        },
      ],
    }),
  },
  {
    type: 'whatsapp/authentication',
    short: 'authentication',
    category: 'AUTHENTICATION',
    content: () => ({ add_security_recommendation: true, code_expiration_minutes: 10, actions: [{ type: 'COPY_CODE', copy_code_text: 'Copy code' }] }),
  },
];

/** What the rule table has beyond the twelve; it is on the stage when the table leads to it. */
const OTHERS: Play[] = [
  {
    type: 'whatsapp/flows',
    short: 'WhatsApp flow',
    category: 'UTILITY',
    content: ({ form }) => ({ body: 'Hello {{1}}, when do you want to come by?', button_text: 'Book', flow_id: form ?? '0' }),
  },
  {
    type: 'twilio/pay',
    short: 'pay',
    category: 'UTILITY',
    content: () => ({
      payment_id: 'order-17',
      body: 'Hello {{1}}, your order is ready to be paid.',
      merchant_name: 'Desk shop',
      country_code: 'BR',
      currency_code: 'BRL',
      items: '[]',
      order_expiration: 2_000_000_000,
      order_expiration_description: 'Pay before it is over',
      subtotal_amount: '12.00',
      total_amount: '12.00',
      pix: {},
    }),
  },
  { type: 'twilio/schedule', short: 'schedule', category: 'UTILITY', content: () => ({ id: 'visit', title: 'Your visit, {{1}}', timeSlots: '10:00' }) },
];

/** Buttons for each case of the table of buttons that content can be written for. */
const CASES: Record<string, object[]> = {
  none: [],
  few_quick_replies: [reply('Yes')],
  many_quick_replies: ['Yes', 'No', 'Later', 'Never'].map(reply),
  one_url: [see],
  two_urls: [see, { ...see, title: 'More' }],
  voice_call: [{ type: 'VOICE_CALL', title: 'Call us' }],
  phone_number: [{ type: 'PHONE_NUMBER', title: 'Call us', phone: '+493023125000' }],
  copy_code: [{ type: 'COPY_CODE', code: 'TEA10' }],
  mixed: [reply('Yes'), see],
};

/** The plays on the stage: the twelve, and the one that was asked for by its type, with the buttons of a case where one was named. */
export const playsWith = (type: string, buttons: string): Play[] =>
  [...TWELVE, ...OTHERS.filter((one) => one.type === type)].map((one) => {
    const actions = one.type === type && CASES[buttons];
    return actions ? { ...one, content: (shop) => ({ ...one.content(shop), actions }) } : one;
  });

/** The first form that the desk has: forms come with templates. */
export const formOf = async (): Promise<string | undefined> => (await sim.get<{ data: { id: string }[] }>('flows')).data[0]?.id;

const SAMPLES: Record<string, Record<string, string>> = {
  'twilio/location': {},
  'twilio/call-to-action': { '1': 'Ana', '2': 'A17' },
  'whatsapp/authentication': { '1': '123456' },
};

/** The content of a play, as the API takes it. */
export const contentOf = (play: Play, shop: Shop) => ({
  language: 'en',
  types: { [play.type]: play.content(shop) },
  variables: SAMPLES[play.type] ?? { '1': 'Ana' },
});

/** The values of one send. */
export function valuesOf(play: Play, name: string): Record<string, string> {
  if (play.type === 'twilio/location') return {};
  if (play.type === 'whatsapp/authentication') return { '1': String(Math.floor(100_000 + Math.random() * 900_000)) };
  if (play.type === 'twilio/call-to-action') return { '1': name, '2': 'B42' };
  return { '1': name };
}

const KEPT = 'transom.picture';
const shops = new Map<string, Promise<Shop>>();

/** What a business's samples are made of: a picture kept with the gateway, and the desk's catalog. Asked for once. */
export function openShop(business: string): Promise<Shop> {
  const known = shops.get(business);
  if (known) return known;
  const shop = (async () => {
    const [picture, catalogs] = await Promise.all([keptPicture(business), sim.get<{ data: Catalog[] }>('catalogs')]);
    const first = catalogs.data[0];
    return { picture, catalog: first?.id ?? '0', products: (first?.products ?? []).map((one) => one.retailerId) };
  })();
  shops.set(business, shop);
  shop.catch(() => shops.delete(business));
  return shop;
}

async function keptPicture(business: string): Promise<string> {
  const key = `${KEPT}.${business}`;
  const kept = localStorage.getItem(key)?.split(' ');
  if (kept?.[0] && kept[1]) {
    try {
      await get(`media/${kept[0]}`);
      return kept[1];
    } catch {
      // It was kept in another house, or its time is over.
    }
  }
  const made = await upload(new File([await drawn()], 'parcel.png', { type: 'image/png' }));
  localStorage.setItem(key, `${made.id} ${made.reference}`);
  return made.reference;
}

/** A parcel on a table. */
function drawn(): Promise<Blob> {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [640, 400];
  const pen = canvas.getContext('2d')!;
  const fill = (colour: string, ...points: number[]) => {
    pen.fillStyle = colour;
    pen.beginPath();
    for (let i = 0; i < points.length; i += 2) pen.lineTo(points[i]!, points[i + 1]!);
    pen.fill();
  };
  fill('#cfe6ea', 0, 0, 640, 0, 640, 270, 0, 270);
  fill('#b98f63', 0, 270, 640, 270, 640, 400, 0, 400);
  fill('#d9a866', 180, 150, 340, 200, 340, 350, 180, 290);
  fill('#c08d4c', 340, 200, 470, 140, 470, 280, 340, 350);
  fill('#ecc68c', 180, 150, 310, 95, 470, 140, 340, 200);
  fill('#0b6471', 248, 121, 270, 112, 418, 163, 396, 173);
  fill('#0b6471', 250, 172, 274, 180, 274, 326, 250, 317);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('no picture'))), 'image/png'));
}
