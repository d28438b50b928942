import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FINGERPRINT_SCHEME } from '../../src/definition/declaration.js';
import type { RunRecord } from '../../src/definition/record.js';
import { fingerprint } from '../../src/identity/fingerprint.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import {
  folderOf,
  type SegmentKind,
  segmentKindOf,
  segmentName,
  segmentsFolder,
} from '../../src/storage/file/layout.js';
import type { ExperimentManifest } from '../../src/storage/manifest.js';

export const EXPERIMENT = 'pi_mc:0.1';
export const CODE = fingerprint('code');
export const CONTEXT = fingerprint('context');

/** A record as a slot writes it, keys in order. Its run_id follows from `index`. */
export function recordOf(overrides: Partial<RunRecord> = {}): RunRecord {
  const index = overrides.index ?? 0;
  return {
    run_id: fingerprint({ run: index }),
    experiment_id: EXPERIMENT,
    status: 'success',
    generation: 0,
    attempt: 1,
    context_fingerprint: CONTEXT,
    params_fingerprint: fingerprint({ case: Math.floor(index / 10) }),
    seed_fingerprint: fingerprint({ replicate: index % 10 }),
    code_fingerprint: CODE,
    index,
    replicate: index % 10,
    params: { samples: 100 },
    metrics: { pi: 3 },
    started_at: '2026-01-01T00:00:00.000Z',
    finished_at: '2026-01-01T00:00:01.000Z',
    duration_ms: 1000,
    provenance: { host: 'h', executor: 'local' },
    error: null,
    tags: [],
    warnings: [],
    notes: [],
    artifacts: [],
    ...overrides,
  };
}

/** Every record that a store's segments hold, several of a run where it was executed again. */
export function recordsIn(root: string, experiment: string): RunRecord[] {
  const folder = segmentsFolder(join(root, folderOf(experiment)));
  const segments = readdirSync(folder, { recursive: true }).map(String);
  return segments
    .filter((name) => name.includes('/') && segmentKindOf(basename(name)) === 'records')
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as RunRecord);
}

/** Writes a segment: objects as lines, texts and bytes as they are. */
export function writeSegment(
  store: FileStore,
  lines: readonly (object | string | Uint8Array)[],
  place: {
    readonly writer?: string;
    readonly kind?: SegmentKind;
    readonly submission?: string;
    readonly experiment?: string;
  } = {},
): string {
  const { writer = 'host-1-aa', kind = 'records', submission = 's1', experiment = EXPERIMENT } = place;
  const path = join(
    segmentsFolder(store.experimentFolder(experiment), submission),
    segmentName(kind, writer),
  );
  mkdirSync(dirname(path), { recursive: true });
  const bytes = lines.map((line) =>
    typeof line === 'string' || line instanceof Uint8Array
      ? Buffer.from(line)
      : Buffer.from(`${JSON.stringify(line)}\n`),
  );
  writeFileSync(path, Buffer.concat(bytes));
  return path;
}

export function manifestOf(overrides: Partial<ExperimentManifest> = {}): ExperimentManifest {
  return {
    scheme: FINGERPRINT_SCHEME,
    experiment_id: EXPERIMENT,
    declaration: 'd'.repeat(64),
    latest_submission: 's1',
    submitted_at: '2026-01-01T00:00:00.000Z',
    name: 'pi_mc',
    version: '0.1',
    description: null,
    tags: [],
    metadata: {},
    operation: {
      kind: 'typescript',
      name: 'estimatePi',
      ref: 'experiment.ts#estimatePi',
      code_fingerprint: CODE,
      bundle: 'b'.repeat(64),
      modules: {},
      packages: {},
      native: [],
    },
    params: { kind: 'grid', axes: { samples: [100] } },
    seeds: { base: 42, replicates: 10 },
    context: {},
    context_fingerprint: CONTEXT,
    files: [],
    totals: { cases: 1, cells: 10 },
    environment: 'local',
    git: null,
    metalab_version: '0.1.0',
    ...overrides,
  };
}
