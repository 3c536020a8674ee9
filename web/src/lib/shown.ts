// What a customer sees of a message: the one model that bubbles are drawn from, whoever tells it.

export type Button = {
  kind: 'reply' | 'url' | 'phone' | 'copy' | 'flow' | 'call' | 'catalog' | 'list' | 'other';
  text: string;
  /** Where it leads: an address, a number, a code. */
  to?: string;
  id?: string;
};
export type Header =
  | { kind: 'text'; text: string }
  | { kind: 'image' | 'video' | 'document' | 'audio' | 'sticker'; url?: string; filename?: string }
  | { kind: 'location'; latitude: number; longitude: number; name?: string; address?: string };
export type Card = { header?: Header; body?: string; buttons: Button[] };
export type ListSheet = {
  button: string;
  sections: { title?: string; rows: { id: string; title: string; description?: string }[] }[];
};
export type Shown = {
  /** text, media, buttons, list, carousel, template, reaction, contacts, location, order, system, unknown … */
  kind: string;
  header?: Header;
  body?: string;
  footer?: string;
  buttons: Button[];
  cards?: Card[];
  list?: ListSheet;
  contacts?: { name: string; phones: string[] }[];
  products?: { id: string; name?: string; quantity?: number; price?: string }[];
  reaction?: { to?: string; emoji?: string };
  /** Id of the message that is answered. */
  quote?: string;
  /** A grey line of ours, such as "one-time code hidden". */
  note?: string;
};

/** One line that stands for it in lists and quotes. */
export function summary(shown: Shown): string {
  if (shown.reaction) return shown.reaction.emoji ? `Reacted ${shown.reaction.emoji}` : 'Took a reaction back';
  const header = shown.header;
  const body = shown.body ?? (header?.kind === 'text' ? header.text : undefined);
  if (body) return body;
  if (header?.kind === 'location') return header.name ?? 'Location';
  if (header && header.kind !== 'text') return header.filename ?? header.kind.charAt(0).toUpperCase() + header.kind.slice(1);
  if (shown.contacts) return shown.contacts.map((one) => one.name).join(', ');
  if (shown.products) return `Order of ${shown.products.length}`;
  return shown.note ?? shown.kind;
}
