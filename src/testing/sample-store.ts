import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FINGERPRINT_SCHEME } from '../definition/declaration.js';
import { encodeNumber } from '../definition/non-finite.js';
import type { RunRecord } from '../definition/record.js';
import { fingerprint } from '../identity/fingerprint.js';
import type { FileStore } from '../storage/file/file-store.js';
import { openFileStore } from '../storage/file/open.js';
import type { ExperimentManifest } from '../storage/manifest.js';

export const SAMPLE = 'sample:1.0';
export const OTHER = 'other:2';
const SUBMISSION = 's1';
const SLOT = 'host-1-aa';
/** A slot that was given up while it still worked. */
const LOST_SLOT = 'host-2-bb';
const TIME = '2026-01-01T00:00:00.000Z';
const DERIVATION = fingerprint('derivation');
const CODE = fingerprint('code');
const CONTEXT = fingerprint('context');

/** Makes a file store with what is hard to keep: names, numbers, repeated runs, damaged lines. */
export async function makeSampleStore(root: string): Promise<FileStore> {
  const store = await openFileStore(root, { create: true });
  for (const id of [SAMPLE, OTHER]) {
    await store.writeManifest(manifestOf(id));
    await store.writeSubmission({
      submission: SUBMISSION,
      experiment_id: id,
      declaration: 'd'.repeat(64),
      submitted_at: TIME,
      options: { slots: null, keep_failed: false, fresh: false },
    });
  }
  const records = sampleRecords();
  const write = (path: string, lines: readonly (object | string)[]) => {
    const file = join(store.experimentFolder(SAMPLE), path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
    );
  };
  const segment = `segments/${SUBMISSION}`;
  write(`${segment}/${SLOT}.ndjson`, [...records.slice(0, 6), 'no record', ...records.slice(6)]);
  write(`${segment}/${LOST_SLOT}.ndjson`, [{ ...records[0]!, status: 'cancelled', metrics: { loss: 99 } }]);
  const keys = records.map(({ run_id, attempt, generation }) => ({ run_id, attempt, generation }));
  const points = [0, 1, 2].flatMap((step) =>
    keys.map((key, at) => ({
      ...key,
      name: 'curve "1"',
      step,
      value: step === 2 ? encodeNumber(Number.NaN) : at / 3 + step,
    })),
  );
  write(`${segment}/series-${SLOT}.ndjson`, points);
  write(`${segment}/series-${LOST_SLOT}.ndjson`, [{ ...keys[0], name: 'curve "1"', step: 0, value: -1 }]);
  write(
    `${segment}/data-${SLOT}.ndjson`,
    keys.map((key) => ({ ...key, name: 'table', value: [{ a: '\0' }] })),
  );
  const derived = keys.map((key, at) => ({
    ...key,
    derivation: 'twice',
    code: DERIVATION,
    values: { twice: at * 2, 'of "it"': at % 2 === 0 },
  }));
  write(`${segment}/derived-${SLOT}.ndjson`, derived.slice(0, 4));
  write('derived/derived-host-9-cc.ndjson', [
    ...derived.slice(4),
    { ...derived[0], code: 'older', values: { twice: 7 } },
  ]);
  return store;
}

const thousandMetrics = Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`of ${at}`, at / 7]));

function sampleRecords(): RunRecord[] {
  const metrics: RunRecord['metrics'][] = [
    { loss: 0.1, 'a "quoted" name': 1, text: 'zero \0 byte' },
    { loss: Number.NaN, 'a "quoted" name': 2, text: 'x' },
    { loss: Number.POSITIVE_INFINITY, large: 2 ** 60, text: 'ünï\n\\' },
    { loss: Number.NEGATIVE_INFINITY, flag: true },
    { loss: 1e-300, '': 5, flag: false },
    { loss: 5, Loss: 6, status: 'a metric of this name', ...thousandMetrics },
  ];
  const once = metrics.map((values, index) => recordOf(index, { metrics: values }));
  return [
    ...once,
    recordOf(2, { generation: 1, metrics: { loss: 0.5, large: 2 ** 60 } }),
    recordOf(6, {
      status: 'failed',
      metrics: {},
      error: { type: 'Error', message: 'it\'s "broken"\0', stack: 'Error\n  at' },
      warnings: ['w'],
      tags: ['t,1', 't2'],
    }),
    recordOf(7, { status: 'cancelled', metrics: {}, notes: ['n'] }),
    recordOf(8, { metrics: { loss: 3 }, code_fingerprint: fingerprint('older code') }),
  ];
}

function recordOf(index: number, over: Partial<RunRecord>): RunRecord {
  const { metrics = {}, ...others } = over;
  return {
    run_id: fingerprint({ run: index }),
    experiment_id: SAMPLE,
    status: 'success',
    generation: 0,
    attempt: 1,
    context_fingerprint: CONTEXT,
    params_fingerprint: fingerprint({ case: index }),
    seed_fingerprint: fingerprint({ replicate: 0 }),
    code_fingerprint: CODE,
    index,
    replicate: 0,
    params: { lr: index / 10, name: `it's ${index}`, nested: { b: [1, null], a: index }, nothing: null },
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([name, value]) => [
        name,
        typeof value === 'number' ? encodeNumber(value) : value,
      ]),
    ) as RunRecord['metrics'],
    started_at: TIME,
    finished_at: `2026-01-01T00:00:0${index}.000Z`,
    duration_ms: 1000.125,
    provenance: { host: 'h', executor: 'local', slot: SLOT },
    error: null,
    tags: [],
    warnings: [],
    notes: [],
    artifacts: [],
    ...others,
  };
}

const manifestOf = (experiment_id: string): ExperimentManifest => ({
  scheme: FINGERPRINT_SCHEME,
  experiment_id,
  declaration: 'd'.repeat(64),
  latest_submission: SUBMISSION,
  submitted_at: TIME,
  name: experiment_id.split(':')[0]!,
  version: experiment_id.split(':')[1]!,
  description: 'of "all" kinds\0',
  tags: ['t'],
  metadata: {},
  operation: {
    kind: 'typescript',
    name: 'run',
    ref: 'experiment.ts#run',
    code_fingerprint: CODE,
    bundle: 'b'.repeat(64),
    modules: {},
    packages: {},
    native: [],
  },
  params: { kind: 'grid', axes: { lr: [0] } },
  seeds: { base: 42, replicates: 1 },
  context: {},
  context_fingerprint: CONTEXT,
  derived: { twice: { ref: 'experiment.ts#twice', code_fingerprint: DERIVATION } } as unknown as NonNullable<
    ExperimentManifest['derived']
  >,
  files: [],
  totals: { cases: 1, cells: 1 },
  environment: 'local',
  git: null,
  metalab_version: '0.0.0',
});
