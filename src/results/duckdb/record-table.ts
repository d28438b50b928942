import type { StoredRunRecord, StoredText } from '../../storage/file/formats/long-record.js';
import { LongText, LongTextList } from '../../storage/file/formats/long-text.js';

/** The fields of a record that queries know, as columns of DuckDB's tables. */
export const RECORD_FIELDS = {
  run_id: 'VARCHAR',
  experiment_id: 'VARCHAR',
  status: 'VARCHAR',
  generation: 'BIGINT',
  attempt: 'BIGINT',
  context_fingerprint: 'VARCHAR',
  params_fingerprint: 'VARCHAR',
  seed_fingerprint: 'VARCHAR',
  code_fingerprint: 'VARCHAR',
  index: 'BIGINT',
  replicate: 'BIGINT',
  started_at: 'VARCHAR',
  finished_at: 'VARCHAR',
  duration_ms: 'DOUBLE',
  error_type: 'VARCHAR',
  error: 'VARCHAR',
  tags: 'VARCHAR',
  warnings: 'VARCHAR',
  notes: 'VARCHAR',
  provenance: 'VARCHAR',
  artifacts: 'VARCHAR',
} as const;
export type RecordField = keyof typeof RECORD_FIELDS;
export const RECORD_FIELD_NAMES = Object.keys(RECORD_FIELDS) as RecordField[];

/** Those that may have many megabytes. */
export const isLongField = (name: string): boolean => ['warnings', 'notes', 'error'].includes(name);

/** Where a record stands: the last two keys of the rule of the final record, and where its line is read from. */
export const PLACE_COLUMNS = { segment: 'VARCHAR', segment_offset: 'BIGINT' } as const;

/** A record's fields in their order, without the place. Lists and objects are JSON. */
export function fieldValues(record: Omit<StoredRunRecord, 'params' | 'metrics'>): unknown[] {
  const { error } = record;
  return [
    record.run_id,
    record.experiment_id,
    record.status,
    record.generation ?? 0,
    record.attempt ?? 1,
    record.context_fingerprint,
    record.params_fingerprint,
    record.seed_fingerprint,
    record.code_fingerprint,
    record.index,
    record.replicate,
    record.started_at,
    record.finished_at,
    record.duration_ms,
    error?.type,
    error?.message,
    listText(record.tags),
    textsOf(record.warnings),
    textsOf(record.notes),
    record.provenance && JSON.stringify(record.provenance),
    listText(record.artifacts),
  ];
}

const listText = (list: unknown): string =>
  list === undefined || (Array.isArray(list) && list.length === 0) ? '[]' : JSON.stringify(listOf(list));

function textsOf(texts: StoredRunRecord['notes'] | undefined): string | LongTextList {
  const list = textList(texts);
  return list instanceof LongTextList ? list : listText(list);
}

/** The texts, of which some may have been left where they stand. */
export function textList(texts: StoredRunRecord['notes'] | undefined): string[] | LongTextList {
  // Others may have written anything.
  const list = listOf<StoredText>(texts).map((item) =>
    typeof item === 'string' || item instanceof LongText ? item : JSON.stringify(item),
  );
  return list.some((text) => text instanceof LongText) ? new LongTextList(list) : (list as string[]);
}

/** A list as it is; of a line that others wrote, a note by itself is a list of one. */
export function listOf<Item>(list: readonly Item[] | Item | undefined): readonly Item[] {
  if (Array.isArray(list)) return list;
  return list === undefined ? [] : [list as Item];
}
