// What a phone shows of Meta's own objects, as the simulator's inbox has them.
import type { Button, Card, Header, ListSheet, Shown } from './shown';
import { SIM, type Entry } from './sim';

type Any = Record<string, any>;
const MEDIA = ['image', 'video', 'audio', 'document', 'sticker'] as const;
type MediaKind = (typeof MEDIA)[number];

function file(kind: MediaKind, media: Any | undefined): Header {
  // By its id before any link: Meta's own links want a token.
  const url = media?.['id'] ? `${SIM}/media/${media['id']}` : (media?.['link'] ?? media?.['url']);
  return { kind, url, filename: media?.['filename'] };
}

/** A header of a session message (`type`) or of a template (`format`). */
function header(part: Any | undefined): Header | undefined {
  if (!part) return undefined;
  const kind = String(part['type'] ?? part['format'] ?? '').toLowerCase();
  if (kind === 'text') return { kind: 'text', text: String(part['text'] ?? '') };
  if (kind === 'location') return place(part['location'] ?? {});
  if ((MEDIA as readonly string[]).includes(kind)) return file(kind as MediaKind, part[kind]);
  return undefined;
}

function place(at: Any): Header {
  return {
    kind: 'location',
    latitude: Number(at['latitude'] ?? 0),
    longitude: Number(at['longitude'] ?? 0),
    name: at['name'],
    address: at['address'],
  };
}

const KINDS: Record<string, Button['kind']> = {
  QUICK_REPLY: 'reply',
  URL: 'url',
  PHONE_NUMBER: 'phone',
  COPY_CODE: 'copy',
  FLOW: 'flow',
  VOICE_CALL: 'call',
  CATALOG: 'catalog',
  MPM: 'catalog',
  SPM: 'catalog',
};

/** A button of a template as the phone has it. */
function templateButton(button: Any): Button {
  const kind = KINDS[String(button['type']).toUpperCase()] ?? 'other';
  const url: string | undefined = button['url'];
  const code = kind === 'url' && url?.includes('/otp/code/') ? new URL(url).searchParams.get('code') : null;
  if (code) return { kind: 'copy', text: String(button['text'] ?? 'Copy code'), to: code.replace(/^otp/, '') };
  return {
    kind,
    text: String(button['text'] ?? ''),
    to: url ?? button['phone_number'] ?? button['code'] ?? button['flow_id'],
    id: button['payload'],
  };
}

function template(body: Any): Shown {
  const cards = (body['cards'] as Any[] | undefined)?.map(
    (card): Card => ({
      header: header(card['header']),
      body: card['body']?.text,
      buttons: ((card['buttons'] as Any[]) ?? []).map(templateButton),
    }),
  );
  const offer = body['limited_time_offer'] as Any | undefined;
  return {
    kind: 'template',
    header: header(body['header']),
    body: [offer?.['text'], body['body']?.text].filter(Boolean).join('\n') || undefined,
    footer: body['footer']?.text,
    buttons: ((body['buttons'] as Any[]) ?? []).map(templateButton),
    cards,
  };
}

function interactive(body: Any): Shown {
  const action: Any = body['action'] ?? {};
  const frame = { header: header(body['header']), body: body['body']?.text as string | undefined, footer: body['footer']?.text as string | undefined };
  const parameters: Any = action['parameters'] ?? {};
  switch (body['type']) {
    case 'button':
      return {
        kind: 'buttons',
        ...frame,
        buttons: (action['buttons'] as Any[]).map((one) => ({ kind: 'reply', text: one['reply'].title, id: one['reply'].id })),
      };
    case 'list':
      return { kind: 'list', ...frame, buttons: [], list: { button: action['button'], sections: action['sections'] } as ListSheet };
    case 'cta_url':
      return { kind: 'buttons', ...frame, buttons: [{ kind: 'url', text: parameters['display_text'], to: parameters['url'] }] };
    case 'flow':
      return { kind: 'flow', ...frame, buttons: [{ kind: 'flow', text: parameters['flow_cta'] ?? 'Open', to: parameters['flow_id'] }] };
    case 'location_request_message':
      return { kind: 'locationRequest', ...frame, buttons: [{ kind: 'other', text: 'Send location', id: 'location' }] };
    case 'request_contact_info':
    case 'contact_request':
      return { kind: 'contactRequest', ...frame, buttons: [{ kind: 'other', text: 'Share phone number', id: 'contact' }] };
    case 'call_permission_request':
      return { kind: 'callRequest', ...frame, buttons: [{ kind: 'call', text: 'Choose preference', id: 'call' }] };
    case 'voice_call':
      return { kind: 'call', ...frame, buttons: [{ kind: 'call', text: parameters['display_text'] ?? 'Call now' }] };
    case 'product':
      return { kind: 'catalog', ...frame, products: [{ id: action['product_retailer_id'] }], buttons: [{ kind: 'catalog', text: 'View' }] };
    case 'product_list': {
      const items = ((action['sections'] as Any[]) ?? []).flatMap((section) => section['product_items'] as Any[]);
      return {
        kind: 'catalog',
        ...frame,
        products: items.map((item) => ({ id: item['product_retailer_id'] })),
        buttons: [{ kind: 'catalog', text: 'View items' }],
      };
    }
    case 'catalog_message':
      return { kind: 'catalog', ...frame, buttons: [{ kind: 'catalog', text: 'View catalog' }] };
    case 'carousel':
      return {
        kind: 'carousel',
        ...frame,
        buttons: [],
        cards: (action['cards'] as Any[]).map((card) => {
          const inner = interactive({ ...card, type: card['type'] ?? (card['action']?.name === 'cta_url' ? 'cta_url' : 'button') });
          return { header: inner.header, body: inner.body, buttons: inner.buttons };
        }),
      };
    case 'button_reply':
      return { kind: 'text', body: body['button_reply'].title, buttons: [] };
    case 'list_reply':
      return { kind: 'text', body: body['list_reply'].title, note: body['list_reply'].description, buttons: [] };
    case 'nfm_reply':
      return { kind: 'flowResponse', body: body['nfm_reply'].body ?? 'Sent', note: answers(body['nfm_reply'].response_json), buttons: [] };
    case 'call_permission_reply':
      return { kind: 'system', note: `Calls: ${body['call_permission_reply'].response}`, buttons: [] };
    default:
      return { kind: 'unknown', ...frame, note: `${body['type']} cannot be shown here`, buttons: [] };
  }
}

/** What was filled in, without what is the form's own. */
function answers(json: string): string {
  try {
    const all = Object.entries(JSON.parse(json) as Any).filter(([key]) => key !== 'flow_token');
    return all.map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(', ');
  } catch {
    return json;
  }
}

function whatsapp(kind: string, message: Any): Shown {
  const body = message[kind];
  if ((MEDIA as readonly string[]).includes(kind)) {
    return { kind: 'media', header: file(kind as MediaKind, body), body: body?.caption, buttons: [] };
  }
  switch (kind) {
    case 'text':
      return { kind, body: body.body, buttons: [] };
    case 'location':
      return { kind, header: place(body), buttons: [] };
    case 'contacts':
      return {
        kind,
        contacts: (body as Any[]).map((card) => ({
          name: card['name']?.formatted_name ?? '',
          phones: ((card['phones'] as Any[]) ?? []).map((phone) => phone['phone'] ?? ''),
        })),
        buttons: [],
      };
    case 'reaction':
      return { kind, reaction: { to: body.message_id, emoji: body.emoji }, buttons: [] };
    case 'button':
      return { kind: 'text', body: body.text, buttons: [] };
    case 'interactive':
      return interactive(body);
    case 'template':
      return template(body);
    case 'order':
      return {
        kind,
        body: body.text,
        products: (body.product_items as Any[]).map((item) => ({
          id: item['product_retailer_id'],
          quantity: Number(item['quantity']),
          price: `${Number(item['item_price']).toFixed(2)} ${item['currency']}`,
        })),
        buttons: [],
      };
    case 'edit':
    case 'revoke':
      return { kind, buttons: [] };
    default:
      return { kind, note: `${kind.replaceAll('_', ' ')} message`, buttons: [] };
  }
}

const ATTACHED: Record<string, MediaKind> = { image: 'image', video: 'video', audio: 'audio', file: 'document' };

function messenger(kind: string, message: Any): Shown {
  const replies = ((message['quick_replies'] as Any[]) ?? []).map((one): Button => {
    const text = one['title'] ?? (one['content_type'] === 'user_phone_number' ? 'Share phone number' : 'Share e-mail');
    return { kind: 'reply', text, id: one['payload'] };
  });
  const button = (one: Any): Button => {
    const kinds: Record<string, Button['kind']> = { web_url: 'url', phone_number: 'phone', postback: 'reply' };
    return { kind: kinds[one['type']] ?? 'other', text: one['title'] ?? '', to: one['url'], id: one['payload'] };
  };
  const attachments = (message['attachments'] as Any[] | undefined) ?? (message['attachment'] ? [message['attachment']] : []);
  const first = attachments[0];
  const payload: Any = first?.['payload'] ?? {};
  if (first?.['type'] === 'template') {
    if (payload['template_type'] === 'generic') {
      const cards = (payload['elements'] as Any[]).map(
        (one): Card => ({
          header: one['image_url'] ? { kind: 'image', url: one['image_url'] } : undefined,
          body: [one['title'] && `*${one['title']}*`, one['subtitle']].filter(Boolean).join('\n'),
          buttons: ((one['buttons'] as Any[]) ?? []).map(button),
        }),
      );
      return { kind: 'carousel', cards, buttons: replies };
    }
    return { kind: 'buttons', body: payload['text'], buttons: [...((payload['buttons'] as Any[]) ?? []).map(button), ...replies] };
  }
  const attached = ATTACHED[first?.['type']];
  if (attached) return { kind: 'media', header: { kind: attached, url: payload['url'] }, body: message['text'], buttons: replies };
  if (kind === 'location' || first?.['type'] === 'location') {
    const at = payload['coordinates'] ?? message['location'] ?? {};
    return { kind: 'location', header: place({ latitude: at['lat'] ?? at['latitude'], longitude: at['long'] ?? at['longitude'] }), buttons: [] };
  }
  if (kind === 'sticker' || message['sticker_id']) return { kind: 'media', header: { kind: 'sticker' }, buttons: [] };
  const text = message['text'] ?? message['title'];
  return text !== undefined ? { kind: 'text', body: text, buttons: replies } : { kind, note: `${kind} message`, buttons: replies };
}

/** What the phone shows of an entry of its inbox. */
export function shownOfMeta(entry: Entry): Shown {
  try {
    const shown = entry.wamid ? whatsapp(entry.type, entry.message) : messenger(entry.type, entry.message);
    return { ...shown, quote: entry.quotes ?? undefined };
  } catch {
    // An object that nobody foresaw is named, never guessed at.
    return { kind: 'unknown', note: `A ${entry.type} message that this page cannot draw`, buttons: [] };
  }
}

/** A template as it was submitted, its placeholders filled with its samples. */
export function shownOfDefinition(components: Any[]): Shown {
  const shown: Shown = { kind: 'template', buttons: [] };
  for (const part of components) {
    const text = String(part['text'] ?? '');
    switch (String(part['type']).toUpperCase()) {
      case 'HEADER': {
        const format = String(part['format']).toLowerCase();
        if (format === 'text') shown.header = { kind: 'text', text: filled(text, part['example']?.header_text ?? []) };
        else if (format === 'location') shown.header = place({ name: 'A place' });
        else shown.header = { kind: format === 'gif' ? 'video' : (format as MediaKind) };
        break;
      }
      case 'BODY': {
        const named = part['example']?.body_text_named_params as Any[] | undefined;
        const values = named ?? part['example']?.body_text?.[0] ?? [];
        shown.body = text ? filled(text, values) : '*123456* is your verification code.';
        break;
      }
      case 'FOOTER':
        shown.footer = text || (part['code_expiration_minutes'] ? `This code expires in ${part['code_expiration_minutes']} minutes.` : undefined);
        break;
      case 'BUTTONS':
        shown.buttons = ((part['buttons'] as Any[]) ?? []).map((one) => ({ ...templateButton(one), text: one['text'] ?? (one['type'] === 'COPY_CODE' ? 'Copy offer code' : 'Copy code') }));
        break;
      case 'CAROUSEL':
        shown.cards = ((part['cards'] as Any[]) ?? []).map((card) => shownOfDefinition(card['components'] ?? []));
        break;
      default:
        break;
    }
  }
  return shown;
}

/** Fills `{{1}}` by place or `{{name}}` by name. */
function filled(text: string, samples: (string | Any)[]): string {
  return text.replace(/\{\{\s*([^{}\s]+)\s*\}\}/g, (all, key: string) => {
    const named = samples.find((one) => typeof one === 'object' && one['param_name'] === key) as Any | undefined;
    return named?.['example'] ?? (typeof samples[Number(key) - 1] === 'string' ? (samples[Number(key) - 1] as string) : all);
  });
}
