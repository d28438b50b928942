import { execFile } from 'node:child_process';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { pythonProgram } from '../../scripts/setup/python-environment.mjs';
import { compactRuns } from '../../src/results/compaction/compact.js';
import { newScratchFolder } from '../../src/results/compaction/scratch-folders.js';
import { resultsOf } from '../../src/results/open.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { lastingFolder } from '../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../support/records.js';

/** `$numberDouble`: as records and series have numbers that are not finite. */
const nonFinite = (text: string) => ({ $numberDouble: text }) as unknown as number;

/** Runs with all that is hard to read: NaN, infinities, missing values, null, text among numbers, large integers. */
const RUNS = Array.from({ length: 12 }, (_, index) =>
  recordOf({
    index,
    params: {
      n: index === 11 ? 2 ** 53 - 1 : index,
      lr: index / 8,
      opt: index % 2 ? 'sgd' : 'adam "ü"',
      flag: index % 3 === 0,
    },
    metrics: {
      loss: index === 4 ? nonFinite('NaN') : index === 6 ? nonFinite('-Infinity') : index / 7,
      ...(index < 10 ? { epochs: 10 + index } : {}),
      odd: index === 3 ? 'text' : index === 5 ? (null as never) : 1,
    },
    started_at: `2026-01-01T00:00:${String(index).padStart(2, '0')}.125Z`,
    tags: index === 0 ? ['a', 'b c'] : [],
  }),
);

/** What metalab itself says: to be compared with. */
export interface ReaderFiles {
  /** The experiment's folder in the store. */
  readonly experiment: string;
  /** Exports: `runs.parquet`, `runs.csv`, … and `series.parquet`, … */
  readonly exports: string;
  /** Mean loss by opt, of what is finite. */
  readonly means: { readonly [opt: string]: number };
}

/** A store whose runs and series are compacted, and exports of it in each format. */
export async function makeReaderFiles(): Promise<ReaderFiles> {
  const root = lastingFolder();
  const store = await openFileStore(join(root, 'store'), { create: true });
  await store.writeManifest(manifestOf());
  writeSegment(store, RUNS);
  const points = RUNS.flatMap(({ run_id }, index) =>
    [0, 1, 2.5].map((step) => ({
      run_id,
      attempt: 1,
      generation: 0,
      name: 'curve',
      step,
      value: index === 1 && step === 1 ? nonFinite('NaN') : index + step,
    })),
  );
  writeSegment(store, points, { kind: 'series' });
  const experiment = store.experimentFolder(EXPERIMENT);
  await compactRuns(experiment, newScratchFolder(experiment));
  const results = resultsOf(store, EXPERIMENT);
  for (const format of ['csv', 'ndjson', 'parquet', 'arrow']) {
    await results.export(join(root, `runs.${format}`), { with: ['params', 'metrics', 'fields'] });
    await results.export(join(root, `series.${format}`), { series: [] });
  }
  const { groups } = await results.groupBy('opt').stats('loss', ['mean']);
  await results.close();
  const means = Object.fromEntries(groups.map(({ keys, summaries }) => [keys[0], summaries[0]!.mean]));
  return { experiment, exports: root, means };
}

/** Runs a program of this folder in the folder of the exports. @returns the JSON that it prints */
export async function runPython<T>(program: string, { experiment, exports }: ReaderFiles): Promise<T> {
  const path = join(import.meta.dirname, program);
  // Relative, because these libraries take `*` and `[` in a path for a pattern.
  const { stdout } = await promisify(execFile)(await pythonProgram(), [path, relative(exports, experiment)], {
    cwd: exports,
  });
  return JSON.parse(stdout) as T;
}
