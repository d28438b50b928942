import { type Column, type Columns, ORIGIN_FIELDS } from '../query/columns.js';

/** Kinds of columns that an export can have beside run_id: `fields` are all that a run has by itself. */
export const COLUMN_KINDS = ['params', 'metrics', 'derived', 'fields', 'fingerprints'] as const;
export type ColumnKind = (typeof COLUMN_KINDS)[number];

export const DEFAULT_KINDS: readonly ColumnKind[] = ['params', 'metrics', 'derived'];

const FINGERPRINTS: readonly string[] = ORIGIN_FIELDS;

/** The columns of these kinds, after those that say which run it is, and how it ended. */
export function columnsOfKinds(columns: Columns, kinds: readonly ColumnKind[]): string[] {
  const has = (kind: ColumnKind) => kinds.includes(kind);
  const named = (list: readonly Column[]) => list.map(({ name }) => name);
  const fields = named(columns.ofKind('field'));
  return [
    ...new Set([
      'run_id',
      'status',
      ...(has('params') ? named(columns.ofKind('param')) : []),
      'replicate',
      ...(has('metrics') ? named(columns.ofKind('metric')) : []),
      ...(has('derived') ? named(columns.ofKind('derived')) : []),
      ...(has('fields') ? fields.filter((name) => !FINGERPRINTS.includes(name)) : []),
      ...(has('fingerprints') ? FINGERPRINTS : []),
    ]),
  ];
}
