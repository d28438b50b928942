import type { JsonValue } from '../../definition/json.js';
import type { Occurrence, ValueSource, ValueType } from '../../storage/file/formats/runs-file.js';
import { jsonText, valueTypeOf } from './cell.js';

const MAX_SAMPLE = 200;

/** Counts values of one param or metric. */
export class OccurrenceCounter {
  readonly counts: { [type in ValueType | 'nonfinite']?: number } = {};
  whole = true;
  varies = false;
  #first: JsonValue | undefined;

  add(value: JsonValue): void {
    const type = valueTypeOf(value);
    this.counts[type] = (this.counts[type] ?? 0) + 1;
    if (type === 'number') {
      if (!Number.isFinite(value)) this.counts.nonfinite = (this.counts.nonfinite ?? 0) + 1;
      if (this.whole && !Number.isSafeInteger(value)) this.whole = false;
    }
    if (this.#first === undefined) this.#first = value;
    else if (!this.varies && !Object.is(value, this.#first))
      this.varies = type !== 'json' || sampleOf(value) !== sampleOf(this.#first);
  }

  occurrence(source: ValueSource, key: string): Occurrence {
    const { counts, whole, varies } = this;
    return { source, key, counts, whole, varies, sample: sampleOf(this.#first ?? null).slice(0, MAX_SAMPLE) };
  }
}

function sampleOf(value: JsonValue): string {
  if (typeof value === 'number') return String(value);
  return jsonText(typeof value === 'string' ? value.slice(0, MAX_SAMPLE) : value);
}

/** What several files hold together. */
export function mergeOccurrences(lists: readonly (readonly Occurrence[])[]): Occurrence[] {
  const merged = new Map<string, Occurrence>();
  for (const occurrence of lists.flat()) {
    const name = `${occurrence.source}.${occurrence.key}`;
    const known = merged.get(name);
    merged.set(name, known ? mergeTwo(known, occurrence) : occurrence);
  }
  return [...merged.values()];
}

function mergeTwo(a: Occurrence, b: Occurrence): Occurrence {
  const counts = { ...a.counts };
  for (const type in b.counts) {
    const of = type as keyof typeof counts;
    counts[of] = (counts[of] ?? 0) + (b.counts[of] ?? 0);
  }
  return {
    ...a,
    counts,
    whole: a.whole && b.whole,
    varies: a.varies || b.varies || a.sample !== b.sample,
  };
}
