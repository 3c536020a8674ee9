// A field of a form, as data: the form is drawn from it, and what the service finds wrong is said at the field of that name.

export type Piece = {
  name: string;
  label: string;
  /** `lines` are choices of a flow, one per line; `words` a list, comma between; `list` has entries of its own pieces. */
  kind: 'text' | 'long' | 'number' | 'link' | 'email' | 'password' | 'moment' | 'choice' | 'checks' | 'flag' | 'lines' | 'words' | 'list';
  /** Characters, or entries of a list: what is taken at most, to be seen while one writes. */
  max?: number;
  min?: number;
  optional?: boolean;
  /** Said under the label. */
  about?: string;
  hint?: string;
  /** `/` leads here. */
  search?: boolean;
  choices?: readonly (string | readonly [value: string, words: string])[];
  /** What a browser may fill in by itself. */
  fill?: string;
  /** The value is the only entry of an array. */
  only?: boolean;
  when?: (body: Record<string, any>) => boolean;
  /** Of a list: what one entry is called, what it is made of, what a new one begins with. */
  entry?: string;
  of?: Piece[];
  fresh?: Record<string, unknown>;
};

/** The body as it is sent: what is empty is left out. */
export function clean(value: unknown): any {
  if (Array.isArray(value)) return value.map(clean).filter((v) => v !== '' && v !== undefined);
  if (value && typeof value === 'object') {
    const kept = Object.entries(value).map(([k, v]) => [k, clean(v)] as const);
    return Object.fromEntries(kept.filter(([, v]) => v !== '' && v !== null && v !== undefined && !(Array.isArray(v) && v.length === 0)));
  }
  return value;
}

/** Its own copy of what is plain data. */
export const clone = <T>(value: T): T => JSON.parse(JSON.stringify(value));

/** A moment as a field of a form has it, for the service. */
export const moment = (local: string): string | undefined => (local ? new Date(local).toISOString() : undefined);
