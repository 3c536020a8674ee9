// A template or kept content on its way to be sent: which values it wants, what they are, and what the customer would see.
import { LiveVerdict } from '../../lib/live-verdict.svelte';
import type { Component, Content, Template } from '../../lib/native';
import { placeholders, shownOfComponents, shownOfContent } from '../../lib/shown-native';

export type Choice = { what: 'template'; template: Template } | { what: 'content'; content: Content };

export type Field = { name: string; label: string; sample: string; missing: boolean };

/** Sample values of a template, by the names of its variables: what its reviewers were shown. */
export function samples(components: Component[], prefix = ''): Record<string, string> {
  const found: Record<string, string> = {};
  for (const c of components) {
    const example = c.example ?? {};
    for (const [i, value] of (example.body_text?.[0] ?? []).entries()) found[prefix ? `${prefix}body_${i + 1}` : `${i + 1}`] = String(value);
    for (const p of example.body_text_named_params ?? []) found[prefix ? `${prefix}body_${p.param_name}` : p.param_name] = p.example;
    if (example.header_text?.[0]) found[`${prefix}header_text`] = String(example.header_text[0]);
    for (const [i, b] of (c.buttons ?? []).entries()) {
      const sample = Array.isArray(b.example) ? b.example[0] : b.example;
      if (sample) found[`${prefix}button_${i + 1}_${b.type?.toUpperCase() === 'URL' ? 'url' : 'code'}`] = String(sample);
    }
    for (const [i, card] of (c.cards ?? []).entries()) Object.assign(found, samples(card.components ?? [], `card_${i + 1}_`));
  }
  return found;
}

const LABELS: [RegExp, (m: RegExpMatchArray) => string][] = [
  [/^card_(\d+)_(.+)$/, (m) => `Card ${m[1]}: ${label(m[2]!).toLowerCase()}`],
  [/^header_(image|video|document)$/, (m) => `Link to the ${m[1]}`],
  [/^header_location$/, () => 'Place (latitude, longitude, name, address)'],
  [/^header_text$/, () => 'Heading'],
  [/^button_(\d+)_url$/, (m) => `End of the address of button ${m[1]}`],
  [/^button_(\d+)_code$/, (m) => `Code of button ${m[1]}`],
  [/^button_(\d+)_products$/, () => 'Products'],
  [/^button_(\d+)_(.+)$/, (m) => `Button ${m[1]}: ${m[2]!.replaceAll('_', ' ')}`],
  [/^body_(.+)$/, (m) => `{{${m[1]}}}`],
];

export function label(name: string): string {
  for (const [pattern, words] of LABELS) {
    const m = name.match(pattern);
    if (m) return words(m);
  }
  return `{{${name}}}`;
}

export class Fillable {
  readonly live = new LiveVerdict();
  readonly choice: Choice;
  values = $state<Record<string, string>>({});
  /** Names of variables in the order in which the service first named them. */
  #names = $state<string[]>([]);
  #samples: Record<string, string>;

  constructor(choice: Choice, values: Record<string, string> = {}) {
    this.choice = choice;
    this.#samples = choice.what === 'template' ? samples(choice.template.components) : choice.content.variables;
    this.#names = choice.what === 'content' ? placeholders(choice.content.types) : Object.keys(this.#samples);
    this.values = values;
  }

  get title(): string {
    const c = this.choice;
    return c.what === 'template' ? `${c.template.name} (${c.template.language})` : c.content.friendlyName || c.content.id;
  }

  /** What it adds to a send. */
  get part(): Record<string, unknown> {
    const filled = Object.fromEntries(Object.entries(this.values).filter(([, v]) => v !== ''));
    const c = this.choice;
    return c.what === 'template'
      ? { template: { name: c.template.name, language: c.template.language }, variables: filled }
      : { contentId: c.content.id, variables: filled };
  }

  get shown() {
    const c = this.choice;
    if (c.what === 'content') return shownOfContent(c.content.types, { ...c.content.variables, ...this.values }, this.live.verdict?.contentType);
    return shownOfComponents(c.template.components, this.values);
  }

  /** The fields to fill: those that its samples name, and those that the service says are missing. */
  get fields(): Field[] {
    const missing = this.missing;
    const names = [...this.#names, ...missing.filter((name) => !this.#names.includes(name))];
    return names.map((name) => ({ name, label: label(name), sample: this.#samples[name] ?? '', missing: missing.includes(name) }));
  }

  get missing(): string[] {
    const errors = this.live.problem?.details.errors ?? [];
    return errors.filter((e) => e.field.startsWith('variables.')).map((e) => e.field.slice('variables.'.length));
  }

  /** Other things that are wrong with it, in sentences. */
  get faults(): string[] {
    const p = this.live.problem;
    if (!p) return [];
    const errors = (p.details.errors ?? []).filter((e) => e.rule !== 'is missing');
    const said = errors.map((e) => `${label(e.field.replace(/^variables\./, ''))} ${e.rule}: ${e.remedy}`);
    return said.length || this.missing.length ? said : [p.message];
  }

  ask(to: Record<string, unknown>, wait?: number): void {
    const missing = this.missing;
    this.#names = [...this.#names, ...missing.filter((name) => !this.#names.includes(name))];
    this.live.ask({ ...to, ...this.part }, wait);
  }
}
