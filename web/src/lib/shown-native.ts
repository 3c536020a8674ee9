// What a customer sees of what the native API tells: messages, content of the twelve types, templates with values filled in.
import type { Component, Message } from './native';
import type { Button, Card, Header, Shown } from './shown';

type Values = Record<string, string>;

/** From the richest to the plainest: the order in which a channel takes the first that it can carry. */
const RICHEST = [
  'whatsapp/authentication',
  'whatsapp/flows',
  'twilio/flows',
  'twilio/catalog',
  'twilio/carousel',
  'whatsapp/card',
  'twilio/card',
  'twilio/list-picker',
  'twilio/call-to-action',
  'twilio/quick-reply',
  'twilio/location',
  'twilio/media',
  'twilio/text',
];

/** The type by which content with these types is shown. */
export const richest = (types: Record<string, unknown>): string => RICHEST.find((t) => t in types) ?? Object.keys(types)[0] ?? 'twilio/text';

/** A text with its placeholders filled; one without a value stays as it is. */
export const fill = (text: unknown, values: Values): string | undefined =>
  typeof text === 'string' ? text.replace(/\{\{\s*([^{}\s]+)\s*\}\}/g, (all, key: string) => values[key] || all) : undefined;

/** The names of the placeholders in a text or any value made of texts, in the order in which they come. */
export const placeholders = (value: unknown): string[] => {
  const found = new Set<string>();
  const look = (v: unknown): void => {
    if (typeof v === 'string') for (const [, key] of v.matchAll(/\{\{\s*([^{}\s]+)\s*\}\}/g)) found.add(key!);
    else if (v && typeof v === 'object') Object.values(v).forEach(look);
  };
  look(value);
  return [...found];
};

const PICTURE = /\.(jpe?g|png|webp|gif)(\?|$)/i;
const VIDEO = /\.(mp4|3gpp?|mov)(\?|$)/i;
const AUDIO = /\.(mp3|ogg|aac|amr|m4a|opus)(\?|$)/i;

const fileHeader = (url: string | undefined, kind?: string, filename?: string): Header | undefined => {
  if (!url && !kind) return undefined;
  const name = url ?? '';
  const by = VIDEO.test(name) ? 'video' : AUDIO.test(name) ? 'audio' : PICTURE.test(name) || !/\.\w{2,5}(\?|$)/.test(name) ? 'image' : 'document';
  const known = kind === 'image' || kind === 'video' || kind === 'audio' || kind === 'document' || kind === 'sticker' ? kind : by;
  return { kind: known, url, filename: filename ?? (known === 'document' ? name.split('/').pop()?.split('?')[0] : undefined) };
};

const KINDS: Record<string, Button['kind']> = {
  QUICK_REPLY: 'reply',
  URL: 'url',
  PHONE_NUMBER: 'phone',
  PHONE: 'phone',
  COPY_CODE: 'copy',
  OTP: 'copy',
  FLOW: 'flow',
  VOICE_CALL: 'call',
  VOICE_CALL_REQUEST: 'call',
  CATALOG: 'catalog',
  MPM: 'catalog',
  SPM: 'catalog',
};

const actions = (list: any[] | undefined, values: Values, fallback: Button['kind'] = 'reply'): Button[] =>
  (list ?? []).map((a) => ({
    kind: KINDS[a.type] ?? (a.type ? 'other' : fallback),
    text: fill(a.title ?? a.text ?? a.copy_code_text, values) ?? (a.type === 'COPY_CODE' ? 'Copy code' : ''),
    to: fill(a.url ?? a.phone ?? a.phone_number ?? a.code, values),
    id: a.id,
  }));

/** Content of one of the twelve types, with these values; `type` says which of them, where it is known. */
export function shownOfContent(types: Record<string, any>, values: Values = {}, type?: string | null): Shown {
  const kind = type && type in types ? type : richest(types);
  const c = types[kind] ?? {};
  const said = (text: unknown) => fill(text, values);
  const media = said(Array.isArray(c.media) ? c.media[0] : (c.media ?? c.media_url));
  switch (kind) {
    case 'twilio/media':
      return { kind, header: fileHeader(media, undefined), body: said(c.body), buttons: [] };
    case 'twilio/location':
      return {
        kind,
        header: { kind: 'location', latitude: Number(c.latitude), longitude: Number(c.longitude), name: said(c.label), address: c.address },
        buttons: [],
      };
    case 'twilio/list-picker': {
      const rows = (c.items ?? []).map((i: any) => ({ id: i.id ?? '', title: said(i.item) ?? '', description: said(i.description) }));
      return { kind, body: said(c.body), buttons: [], list: { button: said(c.button) ?? '', sections: [{ rows }] } };
    }
    case 'twilio/card':
      return {
        kind,
        header: fileHeader(media),
        body: said(c.title ?? c.body),
        footer: c.subtitle || undefined,
        buttons: actions(c.actions, values),
      };
    case 'whatsapp/card': {
      const header: Header | undefined = c.header_text ? { kind: 'text', text: said(c.header_text) ?? '' } : fileHeader(media);
      return { kind, header, body: said(c.body), footer: c.footer || undefined, buttons: actions(c.actions, values) };
    }
    case 'twilio/carousel': {
      const cards: Card[] = (c.cards ?? []).map((card: any) => ({
        header: fileHeader(said(card.media)),
        body: [said(card.title), said(card.body)].filter(Boolean).join('\n'),
        buttons: actions(card.actions, values),
      }));
      return { kind, body: said(c.body), buttons: [], cards };
    }
    case 'twilio/catalog': {
      const products = Array.isArray(c.items) ? c.items.map((i: any) => ({ id: said(i.id) ?? '' })) : undefined;
      const header: Header | undefined = c.title ? { kind: 'text', text: said(c.title) ?? '' } : undefined;
      const text = products?.length ? 'View items' : 'View catalog';
      return { kind, header, body: said(c.body), footer: said(c.subtitle), products, buttons: [{ kind: 'catalog', text }] };
    }
    case 'twilio/flows':
    case 'whatsapp/flows':
      return {
        kind,
        header: fileHeader(media),
        body: said(c.body),
        footer: c.subtitle || undefined,
        buttons: [{ kind: 'flow', text: said(c.button_text) ?? '' }],
      };
    case 'whatsapp/authentication':
      return authentication(values['1'], c.add_security_recommendation !== false, c.code_expiration_minutes, c.actions?.[0]?.copy_code_text);
    default:
      return { kind, body: said(c.body), buttons: actions(c.actions, values) };
  }
}

const authentication = (code: string | undefined, advice: boolean, minutes?: number | string, button?: string): Shown => ({
  kind: 'whatsapp/authentication',
  body: `*${code || '{{1}}'}* is your verification code.${advice ? ' For your security, do not share this code.' : ''}`,
  footer: minutes ? `This code expires in ${minutes} minutes.` : undefined,
  buttons: [{ kind: 'copy', text: button || 'Copy code' }],
});

/** A template's components with the values of one send; the names are those of its variables (`1`, `header_image`, `card_1_body_2`). */
export function shownOfComponents(components: Component[], values: Values = {}, prefix = ''): Shown {
  const part = (type: string) => components.find((c) => c.type?.toUpperCase() === type);
  const head = part('HEADER');
  const body = part('BODY');
  const under = (at: string): Values => {
    const named = Object.entries(values).filter(([k]) => k.startsWith(at));
    return Object.fromEntries(named.map(([k, v]) => [k.slice(at.length), v]));
  };
  const format = head?.format?.toUpperCase();
  let header: Header | undefined;
  if (format === 'TEXT') header = { kind: 'text', text: fill(head!.text, { ...values, '1': values[`${prefix}header_text`] ?? '', ...under(`${prefix}header_`) }) ?? '' };
  else if (format === 'LOCATION') {
    const [latitude, longitude, name, ...rest] = (values[`${prefix}header_location`] ?? '').split(',');
    header = { kind: 'location', latitude: Number(latitude), longitude: Number(longitude), name, address: rest.join(',') || undefined };
  } else if (format) header = fileHeader(values[`${prefix}header_${format.toLowerCase()}`], format.toLowerCase());
  const buttons = ((part('BUTTONS')?.buttons ?? []) as any[]).map((b, i): Button => {
    const url = values[`${prefix}button_${i + 1}_url`];
    return {
      kind: KINDS[b.type?.toUpperCase()] ?? 'other',
      text: b.text ?? (b.type?.toUpperCase() === 'COPY_CODE' ? 'Copy offer code' : ''),
      to: b.url ? fill(b.url, { '1': url ?? '' }) : (b.phone_number ?? values[`${prefix}button_${i + 1}_code`]),
    };
  });
  if (body && !body.text && body.add_security_recommendation !== undefined) {
    const code = values['button_1_code'] ?? values['1'];
    return { ...authentication(code, body.add_security_recommendation, part('FOOTER')?.code_expiration_minutes, buttons[0]?.text), kind: 'template' };
  }
  const cards = (part('CAROUSEL')?.cards as any[] | undefined)?.map((card, i): Card => {
    const shown = shownOfComponents(card.components ?? [], { ...values, ...under(`card_${i + 1}_body_`) }, `card_${i + 1}_`);
    return { header: shown.header, body: shown.body, buttons: shown.buttons };
  });
  return {
    kind: 'template',
    header,
    body: fill(body?.text, prefix ? values : { ...values, ...under('body_') }),
    footer: part('FOOTER')?.text,
    buttons,
    cards,
  };
}

const attachment = (a: any): Header | undefined =>
  a && fileHeader(a.url ?? undefined, a.sticker ? 'sticker' : (a.type ?? 'document'), a.filename);

/** The published `message` object, sent or received. */
export function shownOfPublished(message: Record<string, any>, told: Record<string, any> = {}): Shown {
  const text: string | undefined = message.text;
  const framed = (part: any): Pick<Shown, 'header' | 'footer'> => ({
    header: part.header?.text ? { kind: 'text', text: part.header.text } : attachment(part.header?.attachment),
    footer: part.footer?.text,
  });
  const reaction = told.reaction ?? message.reaction;
  if (reaction) return { kind: 'reaction', buttons: [], reaction: { to: reaction.messageId, emoji: reaction.emoji } };
  if (message.sticker) return { kind: 'media', header: { kind: 'sticker', url: message.sticker.url }, buttons: [] };
  if (message.attachments?.length) {
    const file = message.attachments[0];
    return { kind: 'media', header: attachment(file), body: file.caption ?? text, buttons: [] };
  }
  if (message.location) return { kind: 'location', header: { kind: 'location', ...message.location }, buttons: [] };
  if (message.contacts)
    return {
      kind: 'contacts',
      buttons: [],
      contacts: message.contacts.map((c: any) => ({
        name: c.name?.formattedName ?? c.name?.firstName ?? '',
        phones: (c.phones ?? []).map((p: any) => p.phone ?? p.waId ?? ''),
      })),
    };
  if (message.order)
    return {
      kind: 'order',
      body: message.order.text,
      buttons: [],
      products: (message.order.items ?? []).map((i: any) => ({
        id: i.productRetailerId,
        quantity: i.quantity,
        price: i.price === undefined ? undefined : `${i.price} ${i.currency ?? ''}`.trim(),
      })),
    };
  if (message.replyButtonMessage) {
    const part = message.replyButtonMessage;
    const buttons = part.buttons.map((b: any): Button => ({ kind: 'reply', text: b.text, id: b.id }));
    return { kind: 'buttons', ...framed(part), body: text, buttons };
  }
  if (message.listMessage) {
    const part = message.listMessage;
    const sections = part.sections.map((s: any) => ({
      title: s.title,
      rows: s.rows.map((r: any) => ({ id: r.id, title: r.text, description: r.description })),
    }));
    return { kind: 'list', ...framed(part), body: text, buttons: [], list: { button: part.button.text, sections } };
  }
  const other = message.ctaUrlMessage ?? message.flowMessage ?? message.voiceCallMessage;
  if (other) {
    const kind = message.ctaUrlMessage ? 'url' : message.flowMessage ? 'flow' : 'call';
    return { kind, ...framed(other), body: text, buttons: [{ kind, text: other.button?.text ?? '', to: other.button?.url }] };
  }
  const shop = message.singleProductMessage ?? message.multiProductMessage ?? message.catalogMessage;
  if (shop) {
    const items: any[] = shop.productItem ? [shop.productItem] : (shop.sections ?? []).flatMap((s: any) => s.productItems ?? []);
    const products = items.map((i) => ({ id: i.productRetailerId }));
    const label = message.singleProductMessage ? 'View' : message.multiProductMessage ? 'View items' : 'View catalog';
    return { kind: 'catalog', ...framed(shop), body: text, products, buttons: [{ kind: 'catalog', text: label }] };
  }
  if (message.locationRequestMessage) return { kind: 'locationRequest', body: text, buttons: [{ kind: 'other', text: 'Send location' }] };
  if (message.contactRequestMessage) return { kind: 'contactRequest', body: text, buttons: [{ kind: 'other', text: 'Share phone number' }] };
  if (message.callPermissionRequestMessage) return { kind: 'callRequest', body: text, buttons: [{ kind: 'call', text: 'Allow calls' }] };
  if (message.call || message.callPermission) return { kind: 'system', note: message.call ? 'A call' : 'An answer to the wish to call', buttons: [] };
  if (message.unsupported) {
    const why = message.unsupported.title ?? message.unsupported.type;
    return { kind: 'unknown', note: `Meta could not pass this message on${why ? `: ${why}` : ''}.`, buttons: [] };
  }
  const shown: Shown = { kind: told.flowResponse ? 'flowResponse' : 'text', body: text, buttons: [] };
  if (told.buttonResponse) shown.note = 'Tapped a button';
  if (told.listResponse) shown.note = told.listResponse.description ?? 'Picked from a list';
  if (told.flowResponse) shown.note = flowAnswers(told.flowResponse.responseJson);
  return shown;
}

const flowAnswers = (json: unknown): string => {
  try {
    const answers = typeof json === 'string' ? JSON.parse(json) : json;
    const lines = Object.entries(answers as object).filter(([k]) => k !== 'flow_token');
    return lines.map(([k, v]) => `${k}: ${typeof v === 'string' ? v : JSON.stringify(v)}`).join('\n') || 'Submitted a form';
  } catch {
    return 'Submitted a form';
  }
};

/** The values of a published template send by the names that `shownOfComponents` reads. */
export const valuesOf = (parameters: { name: string; value: string }[]): Values =>
  Object.fromEntries(parameters.map((p) => [p.name.replace(/^body_/, ''), p.value]));

/** A message as the customer sees it. A template sent by its name shows its texts once `components` are known. */
export function shownOfMessage(message: Message, components?: Component[]): Shown {
  const said = message.content;
  if (!said) return { kind: 'redacted', buttons: [], note: message.redacted ? 'Its content was removed.' : 'No content.' };
  const quote: string | undefined = said.replyToId ?? said.message?.contextId ?? undefined;
  if (said.content) {
    const values = { ...said.content.variables, ...said.variables };
    return { ...shownOfContent(said.content.types ?? {}, values, message.verdict?.contentType), quote };
  }
  if (said.template) {
    const values = valuesOf(said.template.parameters ?? []);
    const shown = components && shownOfComponents(components, values);
    if (shown) return { ...shown, quote };
    const listed = Object.values(values).join(' · ');
    return { kind: 'template', body: listed || undefined, note: `Template ${said.template.name} (${said.template.language})`, buttons: [], quote };
  }
  return { ...shownOfPublished(said.message ?? {}, said), quote };
}

/** A text on one line, without the marks that make it bold and the like. */
export const plainLine = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(/(^|\s)([*_~`])(\S[^*_~`]*?)\2(?=\W|$)/g, '$1$3').slice(0, 160);

/** One line of a message, for lists. */
export function lineOf(message: Message): string {
  const s = shownOfMessage(message);
  if (s.reaction) return s.reaction.emoji ? `Reacted ${s.reaction.emoji}` : 'Took a reaction back';
  const file = s.header && s.header.kind !== 'text' ? s.header.kind : undefined;
  const text = s.body ?? (s.header?.kind === 'text' ? s.header.text : undefined) ?? s.note;
  const words = [file && file[0]!.toUpperCase() + file.slice(1), s.contacts && 'Contact', s.kind === 'order' && 'Order', text];
  return plainLine(words.filter(Boolean).join(' · '));
}
