import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, beforeAll } from 'vitest';
import type { ExperimentDeclaration } from '../../../src/definition/declaration.js';
import type { LogLine, RunRecord } from '../../../src/definition/record.js';
import type { Executor, RangeProgress, RangeRequest } from '../../../src/execution/executor.js';
import { createLocalExecutor } from '../../../src/execution/local/executor.js';
import { sha256 } from '../../../src/identity/fingerprint.js';
import type { ChunkReport } from '../../../src/runner/protocol/protocol.js';
import {
  bundleFile,
  declarationFile,
  planEntriesFile,
  planFile,
  type SegmentKind,
  segmentKindOf,
  segmentsFolder,
} from '../../../src/storage/file/layout.js';
import { until } from '../../support/until.js';

/** Bundles the slot's program as the build does, into a folder of the test's own. */
export async function buildRunner(): Promise<{ runner: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'metalab-runner-'));
  const runner = join(folder, 'runner.mjs');
  const bundle = await rolldown({ input: 'src/runner/main.ts', platform: 'node' });
  await bundle.write({ file: runner, format: 'esm', codeSplitting: false, comments: false });
  await bundle.close();
  return { runner, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** One runner for a test file, and for each of its tests sweeps of its own, removed afterwards. */
export function useSweeps(onMade: (sweep: Sweep) => void): (options: SweepOptions) => Sweep {
  let built: Awaited<ReturnType<typeof buildRunner>>;
  const made: Sweep[] = [];
  beforeAll(async () => {
    built = await buildRunner();
  });
  afterEach(async () => {
    for (const sweep of made.splice(0)) await sweep.remove();
  });
  afterAll(() => built.remove());
  return (options) => {
    const sweep = new Sweep(built.runner, options);
    made.push(sweep);
    onMade(sweep);
    return sweep;
  };
}

export interface SweepOptions {
  /** Module source; `metalab`, the public API, is in scope. Its default export is the operation. */
  readonly code: string;
  /** Cases `{ x: 0 }`, `{ x: 1 }`, … */
  readonly cases?: number;
  readonly declaration?: Partial<ExperimentDeclaration>;
  /** Cells and generations of a `list` plan. */
  readonly list?: readonly (readonly [cell: number, generation: number])[];
  readonly env?: { readonly [name: string]: string };
}

const DECLARATION: ExperimentDeclaration = {
  scheme: 1,
  experiment_id: 'sweep:1',
  name: 'sweep',
  version: '1',
  description: null,
  tags: [],
  metadata: {},
  operation: {
    kind: 'typescript',
    name: 'op',
    ref: 'experiment.ts#op',
    code_fingerprint: 'c'.repeat(32),
    bundle: 'b'.repeat(64),
    modules: {},
    packages: {},
    native: [],
  },
  params: { kind: 'manual', cases: [] },
  seeds: { base: 42, replicates: 1 },
  context: {},
  context_fingerprint: 'd'.repeat(32),
  files: [],
  retries: 0,
  timeout_ms: null,
  memory_bytes: null,
  env: [],
  cwd: '',
};

/** A submission, written by hand into a folder of its own, and an executor for it. */
export class Sweep {
  readonly root = mkdtempSync(join(tmpdir(), "metalab sweep ü'"));
  readonly folder = join(this.root, 'sweep@1');
  declaration: ExperimentDeclaration;
  /** The declaration's name in the store. */
  declared = '';
  readonly positions: number;
  readonly executor: Executor;
  readonly shown: RangeProgress[] = [];
  readonly #env: { readonly [name: string]: string };
  readonly #stops = new Set<(how: 'yield' | 'cancel') => void>();

  constructor(
    readonly runner: string,
    options: SweepOptions,
  ) {
    const { code, cases = 1, declaration, list } = options;
    const params = { kind: 'manual', cases: Array.from({ length: cases }, (_, x) => ({ x })) } as const;
    this.declaration = { ...DECLARATION, params, cwd: this.root, ...declaration };
    this.bundle(`const metalab = globalThis[Symbol.for('metalab.runtime')];\n${code}`);
    this.positions = list?.length ?? cases * this.declaration.seeds.replicates;
    this.#env = { PATH: process.env.PATH ?? '', ROOT: this.root, ...options.env };
    write(
      planFile(this.folder, 's1'),
      JSON.stringify({ submission: 's1', kind: list ? 'list' : 'all', positions: this.positions }),
    );
    if (list)
      write(
        planEntriesFile(this.folder, { submission: 's1' }),
        Buffer.from(Uint32Array.from(list.flat()).buffer),
      );
    this.executor = createLocalExecutor({ runner });
  }

  /** Writes the operation's bundle, and the declaration that names it. */
  bundle(code: string): void {
    const bundle = sha256(code);
    write(bundleFile(this.folder, bundle), code);
    this.declare({ operation: { ...this.declaration.operation, bundle } });
  }

  /** Writes the declaration, changed. */
  declare(changes: Partial<ExperimentDeclaration>): void {
    this.declaration = { ...this.declaration, ...changes };
    const text = JSON.stringify(this.declaration);
    this.declared = sha256(text);
    write(declarationFile(this.folder, this.declared), text);
  }

  async run(order: Partial<RangeRequest['order']> = {}): Promise<ChunkReport> {
    const { timeout_ms, memory_bytes, isolate = false, cwd } = this.declaration;
    return this.executor.execute(
      {
        setup: { folder: this.folder, submission: 's1', declaration: this.declared },
        order: { from: 0, to: this.positions, budget_ms: 60_000, ...order },
        timeout_ms,
        memory_bytes,
        isolate,
        cwd,
        env: this.#env,
      },
      {
        onProgress: (progress) => this.shown.push(progress),
        signal: {
          onStop: (listener) => {
            this.#stops.add(listener);
            return () => this.#stops.delete(listener);
          },
        },
      },
    );
  }

  stop(how: 'yield' | 'cancel'): void {
    for (const listener of this.#stops) listener(how);
  }

  /** Every record of every segment, sorted by cell. */
  records(): RunRecord[] {
    return this.lines<RunRecord>('records').sort((a, b) => a.index - b.index);
  }

  /** The one record, of a sweep that must have one. */
  record(): RunRecord {
    const records = this.records();
    if (records.length !== 1) throw new Error(`expected one record, found ${records.length}`);
    return records[0]!;
  }

  log(index = 0): string[] {
    const { run_id } = this.records()[index]!;
    return this.lines<LogLine>('logs')
      .filter((line) => line.run_id === run_id)
      .map((line) => `${line.level}: ${line.message}`);
  }

  lines<T>(kind: SegmentKind): T[] {
    return this.texts(kind).map((line) => JSON.parse(line) as T);
  }

  /** Complete lines of all segments of a kind. */
  texts(kind: SegmentKind): string[] {
    return this.segments(kind).flatMap((path) => readFileSync(path, 'utf8').split('\n').slice(0, -1));
  }

  segments(kind: SegmentKind): string[] {
    const folder = segmentsFolder(this.folder, 's1');
    const names = readdirSync(folder).filter((name) => segmentKindOf(name) === kind);
    return names.map((name) => join(folder, name));
  }

  /** Writes a file into the operation's working directory. */
  write(name: string, text: string): void {
    writeFileSync(join(this.root, name), text);
  }

  /** A file that the operation has written into its working directory. */
  written(name: string): string {
    return readFileSync(join(this.root, name), 'utf8');
  }

  /** Waits until the operation has written that file. */
  async untilWritten(name: string): Promise<void> {
    await until(() => existsSync(join(this.root, name)));
  }

  async remove(): Promise<void> {
    await this.executor.close();
    // Tried again while a process that is just ending still writes there.
    await until(() => {
      rmSync(this.root, { recursive: true, force: true });
      return true;
    });
  }
}

/** An operation's module, from the body of its `run`. */
export const body = (text: string, options: { readonly async?: boolean } = {}) =>
  `import fs from 'node:fs';
  export default metalab.operation(${options.async ? 'async ' : ''}(args) => {
    const { params, capture } = args;
    ${text}
  });`;

/** Runs of 0.2 ms, each of which says that it was executed. */
export const BUSY = body(
  "fs.appendFileSync('executed', params.x + '\\n'); const end = performance.now() + 0.2; while (performance.now() < end) {}",
);

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
