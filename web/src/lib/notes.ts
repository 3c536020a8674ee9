// What is wrong, by the field that it is about: refusals of the service and findings of the linter in one form.
import type { Finding, Problem } from './native';

export type Note = { field: string; tone: 'bad' | 'warn'; message: string; fix: string; source?: string };

export const ofFindings = (findings: Finding[]): Note[] =>
  findings.map((f) => ({
    field: f.field,
    tone: f.severity === 'error' ? 'bad' : 'warn',
    message: f.message,
    fix: f.fix,
    source: f.source,
  }));

export const ofProblem = (problem: Problem): Note[] => {
  const errors = (problem.details.errors ?? []).map((e): Note => ({ field: e.field, tone: 'bad', message: `It ${e.rule}.`, fix: sentence(e.remedy) }));
  return errors.length ? errors : [{ field: '', tone: 'bad', message: problem.message, fix: sentence(problem.details.remedy ?? '') }];
};

const sentence = (text: string) => (text ? text[0]!.toUpperCase() + text.slice(1).replace(/\.?$/, '.') : '');

/** The notes at a field, or at anything inside it. */
export const at = (notes: Note[], field: string, inside = false): Note[] =>
  notes.filter((n) => n.field === field || (inside && (n.field.startsWith(`${field}.`) || n.field.startsWith(`${field}[`))));
