import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../../definition/errors.js';
import type { Cell } from '../query/cell.js';
import type { StoredRun } from '../stored-run.js';
import { MAX_COMPARED } from './max-compared.js';
import { FACT_KINDS, type Fact, type FactKind, factsOf } from './run-facts.js';

/** How a number differs from that of the first run. */
export interface Change {
  readonly delta: number;
  /** Null where the first run's is 0, or the signs differ. */
  readonly ratio: number | null;
}

/** One thing of every run that is compared: a param, a metric, the code… */
export interface ComparedFact {
  readonly kind: FactKind;
  readonly name: string;
  /** Whether it is not the same in all runs. */
  readonly differs: boolean;
  /** In the order of the runs; `undefined` where a run has no such thing. */
  readonly values: readonly Cell[];
  /** In the order of the runs; `undefined` for the first, and where the numbers are equal or there are none. */
  readonly changes: readonly (Change | undefined)[];
}

export interface RunComparison {
  readonly runs: readonly StoredRun<unknown>[];
  readonly facts: readonly ComparedFact[];
}

/**
 * Compares 2 to 10 runs with the first of them. They may be of different experiments.
 *
 * @param runs such as `results.limit(3).runs()`
 * @throws UsageError if there are fewer or more, or one of them twice
 */
export async function compareRuns(
  runs: Iterable<StoredRun<unknown>> | AsyncIterable<StoredRun<unknown>>,
): Promise<RunComparison> {
  const compared: StoredRun<unknown>[] = [];
  for await (const run of runs) {
    compared.push(run);
    if (compared.length > MAX_COMPARED) break;
  }
  refuseRuns(compared);
  const facts: Fact[][] = [];
  for (const run of compared) facts.push(factsOf(await run.details()));
  return { runs: compared, facts: compareFacts(facts) };
}

function refuseRuns(runs: readonly StoredRun<unknown>[]): void {
  const ids = runs.map(({ id }) => id);
  const again = ids.find((id, index) => ids.indexOf(id) < index);
  if (runs.length >= 2 && runs.length <= MAX_COMPARED && again === undefined) return;
  throw new UsageError({
    code: 'METALAB_COMPARE',
    what:
      again !== undefined
        ? `run ${again} is there twice`
        : runs.length < 2
          ? `${runs.length === 0 ? 'no run' : 'one run'} to compare`
          : `more than ${MAX_COMPARED} runs to compare`,
    expected: `2 to ${MAX_COMPARED} different runs`,
  });
}

function compareFacts(runs: readonly (readonly Fact[])[]): ComparedFact[] {
  const rows = new Map<string, (Fact | undefined)[]>();
  for (const [index, facts] of runs.entries())
    for (const fact of facts) {
      const key = JSON.stringify([fact.kind, fact.name]);
      const row = rows.get(key) ?? Array(runs.length).fill(undefined);
      row[index] = fact;
      rows.set(key, row);
    }
  const compared = [...rows.values()]
    .filter((row) => row.some((fact) => fact?.value !== undefined))
    .map(compareRow);
  return FACT_KINDS.flatMap((kind) => compared.filter((fact) => fact.kind === kind));
}

function compareRow(row: readonly (Fact | undefined)[]): ComparedFact {
  const { kind, name } = row.find((fact) => fact !== undefined)!;
  const values = row.map((fact) => fact?.value);
  const [first] = values;
  return {
    kind,
    name,
    differs: values.some((value) => !isDeepStrictEqual(value, first)),
    values,
    changes: row.map((fact) =>
      row[0]?.measured && fact?.measured ? changeOf(first, fact.value) : undefined,
    ),
  };
}

function changeOf(from: Cell, to: Cell): Change | undefined {
  if (typeof from !== 'number' || typeof to !== 'number' || from === to) return undefined;
  const delta = to - from;
  if (!Number.isFinite(delta)) return undefined;
  const ratio = to / from;
  return { delta, ratio: ratio >= 0 && Number.isFinite(ratio) ? ratio : null };
}
