import { decodeNumber } from '../../definition/non-finite.js';
import type { DataEntry, RunRecord, SeriesPoint } from '../../definition/record.js';
import { type DerivedLine, derivedValues } from '../file/formats/derived.js';
import type { CopyTarget, CopyValue } from './copy-rows.js';
import { storableJson, storableText } from './storable.js';

/** The tables of lines. Their last column is the line itself. */
export const TARGETS = {
  runs: {
    table: 'runs',
    columns: {
      experiment: 'text',
      run_id: 'text',
      status: 'text',
      generation: 'int8',
      attempt: 'int8',
      index: 'int8',
      replicate: 'int8',
      submission: 'text',
      slot: 'text',
      context_fingerprint: 'text',
      params_fingerprint: 'text',
      seed_fingerprint: 'text',
      code_fingerprint: 'text',
      started_at: 'timestamptz',
      finished_at: 'timestamptz',
      duration_ms: 'float8',
      error_type: 'text',
      error_message: 'text',
      tags: 'jsonb',
      params: 'jsonb',
      metrics: 'jsonb',
      derived: 'jsonb',
      artifacts: 'jsonb',
      segment: 'text',
      segment_offset: 'int8',
      record: 'text',
    },
  },
  derived_lines: {
    table: 'derived_lines',
    columns: {
      experiment: 'text',
      segment: 'int4',
      slot: 'text',
      run_id: 'text',
      generation: 'int8',
      attempt: 'int8',
      derivation: 'text',
      code: 'text',
      metrics: 'jsonb',
      segment_offset: 'int8',
      line: 'text',
    },
  },
  points: {
    table: 'points',
    columns: {
      experiment: 'text',
      segment: 'int4',
      run_id: 'text',
      generation: 'int8',
      attempt: 'int8',
      name: 'text',
      step: 'float8',
      value: 'float8',
      segment_offset: 'int8',
      line: 'text',
    },
  },
  data_lines: {
    table: 'data_lines',
    columns: { experiment: 'text', segment: 'int4', run_id: 'text', segment_offset: 'int8', line: 'text' },
  },
} as const satisfies { readonly [table: string]: CopyTarget };
export type LineTable = keyof typeof TARGETS;

/** The file that a line stands in. */
export interface LinePlace {
  readonly experiment: string;
  readonly submission: string;
  /** `{submission}/{file}`. */
  readonly segment: string;
  readonly segmentId: number;
  readonly slot: string | null;
}

/** @param offset the line's, in bytes */
export function runRow(
  record: RunRecord,
  finiteMetrics: boolean,
  { experiment, submission, segment }: LinePlace,
  offset: number,
): CopyValue[] {
  const { provenance, error } = record;
  return [
    experiment,
    storableText(record.run_id),
    record.status,
    wholeOr(record.generation, 0),
    wholeOr(record.attempt, 1),
    wholeOr(record.index, null),
    wholeOr(record.replicate, null),
    submission,
    textOr(provenance?.slot),
    textOr(record.context_fingerprint),
    textOr(record.params_fingerprint),
    textOr(record.seed_fingerprint),
    textOr(record.code_fingerprint),
    timeOr(record.started_at),
    timeOr(record.finished_at),
    typeof record.duration_ms === 'number' ? record.duration_ms : null,
    textOr(error?.type),
    textOr(error?.message),
    storableJson(record.tags ?? [], true),
    storableJson(record.params ?? {}, true),
    storableJson(record.metrics ?? {}, finiteMetrics),
    '{}',
    storableJson(Array.isArray(record.artifacts) ? record.artifacts : [], true),
    segment,
    offset,
  ];
}

export const derivedRow = (derived: DerivedLine, place: LinePlace, offset: number): CopyValue[] => [
  place.experiment,
  place.segmentId,
  place.slot,
  storableText(derived.run_id),
  wholeOr(derived.generation, 0),
  wholeOr(derived.attempt, 1),
  storableText(derived.derivation),
  storableText(derived.code),
  storableJson(derivedValues(derived), false),
  offset,
];

export function pointRow(
  point: SeriesPoint,
  { experiment, segmentId }: LinePlace,
  offset: number,
): CopyValue[] {
  const { run_id, generation, attempt, name, step } = point;
  return [
    experiment,
    segmentId,
    storableText(run_id),
    wholeOr(generation, 0),
    wholeOr(attempt, 1),
    storableText(name),
    step,
    decodeNumber(point.value),
    offset,
  ];
}

/** Only then a point's line is kept, too: the columns can't hold its name. */
export const needsLine = ({ name }: SeriesPoint): boolean => name.includes('\0');

export const dataRow = (
  { run_id }: DataEntry,
  { experiment, segmentId }: LinePlace,
  offset: number,
): CopyValue[] => [experiment, segmentId, storableText(run_id), offset];

const textOr = (value: unknown) => (typeof value === 'string' ? storableText(value) : null);

const wholeOr = (value: unknown, otherwise: number | null) =>
  Number.isSafeInteger(value) ? (value as number) : otherwise;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?Z$/;

/** A time as metalab writes them, in µs since 1970. */
function timeOr(value: unknown): number | null {
  const match = typeof value === 'string' ? TIME.exec(value) : null;
  if (!match) return null;
  const milliseconds = Date.parse(match[0]);
  if (Number.isNaN(milliseconds)) return null;
  return milliseconds * 1000 + Number((match[1] ?? '').slice(3, 6).padEnd(3, '0'));
}
