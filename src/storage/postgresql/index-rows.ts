import { dirname } from 'node:path';
import { decodeNumber } from '../../definition/non-finite.js';
import type { DataEntry, RunRecord, SeriesPoint } from '../../definition/record.js';
import { type DerivedLine, derivedValues } from '../file/formats/derived.js';
import type { CopyValue } from './copy-text.js';
import { storableJson, storableText } from './storable.js';

/** The tables of lines, with the columns that rows are made for. The last is the line itself. */
export const TARGETS = {
  runs: `runs (experiment, run_id, status, generation, attempt, index, replicate, submission, slot, context_fingerprint,
    params_fingerprint, seed_fingerprint, code_fingerprint, started_at, finished_at, duration_ms, error_type,
    error_message, tags, params, metrics, derived, artifacts, segment, segment_offset, record)`,
  derived_lines:
    'derived_lines (experiment, segment, slot, run_id, generation, attempt, derivation, code, metrics, segment_offset, line)',
  points:
    'points (experiment, segment, run_id, generation, attempt, name, step, value, segment_offset, line)',
  data_lines: 'data_lines (experiment, segment, run_id, segment_offset, line)',
} as const;
export type LineTable = keyof typeof TARGETS;

/** What stands in a line beside what it says: which experiment's, and where. */
export interface LinePlace {
  readonly experiment: string;
  /** `{submission}/{file}`. */
  readonly segment: string;
  readonly segmentId: number;
  readonly slot: string | null;
}

/** The byte offset of a line in its file. */
export interface PlacedLine extends LinePlace {
  readonly offset: number;
}

export function runRow(
  record: RunRecord,
  finiteMetrics: boolean,
  { experiment, segment, offset }: PlacedLine,
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
    dirname(segment),
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

export const derivedRow = (derived: DerivedLine, place: PlacedLine): CopyValue[] => [
  place.experiment,
  place.segmentId,
  place.slot,
  storableText(derived.run_id),
  wholeOr(derived.generation, 0),
  wholeOr(derived.attempt, 1),
  storableText(derived.derivation),
  storableText(derived.code),
  storableJson(derivedValues(derived), false),
  place.offset,
];

export function pointRow(point: SeriesPoint, { experiment, segmentId, offset }: PlacedLine): CopyValue[] {
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
  { experiment, segmentId, offset }: PlacedLine,
): CopyValue[] => [experiment, segmentId, storableText(run_id), offset];

const textOr = (value: unknown) => (typeof value === 'string' ? storableText(value) : null);

const wholeOr = (value: unknown, otherwise: number | null) =>
  Number.isSafeInteger(value) ? (value as number) : otherwise;

/** Times as metalab writes them. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
const timeOr = (value: unknown) =>
  typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value)) ? value : null;
