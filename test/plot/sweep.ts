import { onTestFinished } from 'vitest';
import type { RunRecord, SeriesPoint } from '../../src/definition/record.js';
import { resultsOf } from '../../src/results/open.js';
import type { Results } from '../../src/results/results.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

export const RATES = [0.001, 0.01, 0.1];
export const OPTIMISERS = ['adam', 'sgd'];
const REPLICATES = 4;

/** Three learning rates × two optimisers × four replicates. The first run diverged, the last failed. */
export const SWEEP: readonly RunRecord[] = RATES.flatMap((lr, rate) =>
  OPTIMISERS.flatMap((opt, optimiser) =>
    Array.from({ length: REPLICATES }, (_, replicate) => {
      const index = (rate * OPTIMISERS.length + optimiser) * REPLICATES + replicate;
      const loss = (rate + 1) * (optimiser + 1) + 0.1 * replicate ** 2;
      const record = recordOf({
        index,
        replicate,
        params: { lr, opt },
        metrics: { loss, accuracy: 1 / loss, solved: replicate % 2 === 0, note: 'text' },
      });
      if (index === 0) return { ...record, metrics: { ...record.metrics, loss: Number.NaN } };
      if (index < 23) return record;
      return {
        ...record,
        status: 'failed',
        metrics: {},
        error: { type: 'Error', message: 'no' },
      } as RunRecord;
    }),
  ),
);

/** The successful runs with a finite loss. */
export const finite = (lr?: number, opt?: string): RunRecord[] =>
  SWEEP.filter(
    ({ status, metrics, params }) =>
      status === 'success' &&
      Number.isFinite(metrics.loss) &&
      (lr === undefined || params.lr === lr) &&
      (opt === undefined || params.opt === opt),
  );

/** Ten steps of `train_loss` of each run. */
export const SERIES: readonly SeriesPoint[] = SWEEP.flatMap(({ run_id, index }) =>
  Array.from({ length: 10 }, (_, step) => ({
    run_id,
    attempt: 1,
    generation: 0,
    name: 'train_loss',
    step,
    value: 10 / (1 + step) + index,
  })),
);

export async function storeOf(
  records: readonly object[],
  series: readonly object[] = [],
  store?: FileStore,
): Promise<FileStore> {
  const opened = store ?? (await temporaryStore());
  await opened.writeManifest(manifestOf({ totals: { cases: records.length, cells: records.length } }));
  writeSegment(opened, records.map(encoded));
  if (series.length > 0) writeSegment(opened, series, { kind: 'series' });
  return opened;
}

/** All runs: they are of no declaration. */
export async function resultsOfRuns(
  records: readonly object[],
  series: readonly object[] = [],
): Promise<Results> {
  const results = resultsOf(await storeOf(records, series), EXPERIMENT).all();
  onTestFinished(() => results.close());
  return results;
}

/** As a slot writes numbers that are not finite. */
const encoded = (record: object) =>
  JSON.stringify(record, (_key, value) =>
    typeof value === 'number' && !Number.isFinite(value) ? { $numberDouble: String(value) } : value,
  ).concat('\n');
