import { readFileSync, rmSync, symlinkSync } from 'node:fs';
import { expect, it } from 'vitest';
import { countCells, type ExperimentDeclaration } from '../../src/definition/declaration.js';
import { paramSourceFromSpec } from '../../src/definition/params/from-spec.js';
import type { RunStatus } from '../../src/definition/record.js';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { readRecords } from '../../src/storage/file/formats/records.js';
import { planEntriesFile } from '../../src/storage/file/layout.js';
import type { PlanManifest } from '../../src/storage/manifest.js';
import { temporaryStore } from '../storage/file/temporary-store.js';
import { EXPERIMENT, recordOf, writeSegment } from '../support/records.js';

// Threads run the built files, so both are taken from there.
const dist = (path: string) => new URL(`../../dist/${path}`, import.meta.url).href;
const { writePlan } = (await import(
  dist('planning/write-plan.js')
)) as typeof import('../../src/planning/write-plan.js');
const { readEntries } = (await import(
  dist('storage/file/formats/plan-entries.js')
)) as typeof import('../../src/storage/file/formats/plan-entries.js');
const { tallyPlan } = (await import(
  dist('planning/tally.js')
)) as typeof import('../../src/planning/tally.js');
const { Cells } = (await import(dist('identity/cells.js'))) as typeof import('../../src/identity/cells.js');

const CASES = 2_500;
const REPLICATES = 4;
const OPTIONS = [
  { fresh: false, keep_failed: false, slots: null },
  { fresh: false, keep_failed: true, slots: null },
  { fresh: true, keep_failed: false, slots: null },
];

const declarationOf = (code: string, context: string, values: readonly (number | string)[]) =>
  ({
    experiment_id: EXPERIMENT,
    params: { kind: 'grid', axes: { x: values } },
    seeds: { base: 1, replicates: REPLICATES },
    context_fingerprint: context.repeat(32),
    operation: { code_fingerprint: code.repeat(32) },
  }) as unknown as ExperimentDeclaration;

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const now = declarationOf('c', 'e', range(0, CASES));

/** The same numbers in every run of the tests. */
function makeDice(seed: number) {
  let state = seed;
  return (sides: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

/** What slots, zombies and other versions left: of some cells nothing, of others several generations and statuses. */
function writeHistory(store: FileStore): void {
  const dice = makeDice(7);
  const others = [
    declarationOf('a', 'e', range(0, CASES)),
    declarationOf('c', 'f', range(CASES / 2, CASES)),
    declarationOf('c', 'e', range(CASES, CASES + 500)),
  ];
  for (const [round, declaration] of [now, now, now, ...others].entries()) {
    const lines: object[] = [];
    const { length } = paramSourceFromSpec(declaration.params);
    const cells = new Cells(declaration);
    for (let index = 0; index < countCells(length, declaration.seeds); index++) {
      if (dice(3) === 0) continue;
      const cell = cells.at(index);
      lines.push(
        recordOf({
          run_id: cell.runId,
          index: cell.index,
          status: (['success', 'success', 'failed', 'cancelled'] as const)[dice(4)]!,
          generation: dice(3),
          params_fingerprint: cell.case.paramsFingerprint,
          seed_fingerprint: cell.seedFingerprint,
          code_fingerprint: declaration.operation.code_fingerprint,
          context_fingerprint: declaration.context_fingerprint,
        }),
      );
    }
    const middle = Math.floor(lines.length / 2);
    writeSegment(store, [...lines.slice(0, middle), '{"run_id":"torn'], {
      submission: `s${round}`,
      writer: 'host-1-aa',
    });
    writeSegment(store, [...lines.slice(middle), '\0\0\0'], { submission: `s${round}`, writer: 'host-2-bb' });
  }
}

async function planWith(store: FileStore, options: (typeof OPTIONS)[number], threads: number) {
  const folder = store.experimentFolder(EXPERIMENT);
  const name = `plan-${threads}-${options.fresh}-${options.keep_failed}`;
  const { submission: _, ...manifest } = await writePlan(folder, name, now, 'sha', options, threads);
  return { manifest, bytes: readFileSync(planEntriesFile(folder, { submission: name })) };
}

const BETTER_FIRST: readonly RunStatus[] = ['success', 'failed', 'cancelled'];

/** The rule again, in its simplest form: what a plan must come to. */
async function expectedPlan(store: FileStore, options: (typeof OPTIONS)[number]) {
  const best = new Map<string, { generation: number; status: RunStatus }>();
  for await (const { record } of readRecords(store.experimentFolder(EXPERIMENT))) {
    const { generation, status } = record;
    const standing = best.get(record.run_id);
    if (
      !standing ||
      generation > standing.generation ||
      (generation === standing.generation &&
        BETTER_FIRST.indexOf(status) < BETTER_FIRST.indexOf(standing.status))
    )
      best.set(record.run_id, { generation, status });
  }
  const words: number[] = [];
  const cells = new Cells(now);
  for (let index = 0; index < CASES * REPLICATES; index++) {
    const standing = best.get(cells.at(index).runId);
    if (!standing) words.push(index, 0);
    else if (options.fresh || (standing.status !== 'success' && !options.keep_failed))
      words.push(index, standing.generation + 1);
  }
  return Buffer.from(Uint32Array.from(words).buffer);
}

it('threads decide what one thread decides, byte for byte, and what the rule says', async () => {
  const store = await temporaryStore();
  writeHistory(store);
  for (const options of OPTIONS) {
    const alone = await planWith(store, options, 0);
    expect(alone.bytes.equals(await expectedPlan(store, options))).toBe(true);
    expect(alone.manifest.stale).toEqual({ code: expect.any(Number), context: expect.any(Number) });
    expect(Math.min(alone.manifest.stale.code, alone.manifest.stale.context)).toBeGreaterThan(10);
    for (const threads of [1, 3]) {
      const together = await planWith(store, options, threads);
      expect(together.manifest).toEqual(alone.manifest);
      expect(together.bytes.equals(alone.bytes)).toBe(true);
    }
  }
});

it('threads count what one thread counts of a submission', async () => {
  const store = await temporaryStore();
  writeHistory(store);
  const folder = store.experimentFolder(EXPERIMENT);
  const total = CASES * REPLICATES;
  const plan = { submission: 's1', kind: 'all', positions: total, total } as unknown as PlanManifest;
  const entries = readEntries(folder, plan);
  const alone = await tallyPlan(folder, 's1', entries, undefined, 0);
  expect(alone.recorded).toBeGreaterThan(1000);
  expect(alone.missing.length).toBeGreaterThan(10);
  expect(await tallyPlan(folder, 's1', entries, undefined, 2)).toEqual(alone);
});

it('what threads can not read is reported as by a single thread', async () => {
  const store = await temporaryStore();
  const path = writeSegment(store, [recordOf()]);
  const folder = store.experimentFolder(EXPERIMENT);
  rmSync(path);
  symlinkSync(path, path);
  const failures: object[] = [];
  for (const threads of [0, 2]) {
    failures.push(
      await writePlan(folder, 's2', now, 'sha', OPTIONS[0]!, threads).then(
        () => expect.unreachable(),
        ({ name, code, message, where }: Error & { code: string; where: string }) => ({
          name,
          code,
          message,
          where,
        }),
      ),
    );
  }
  expect(failures[1]).toEqual(failures[0]);
  expect(failures[0]).toMatchObject({ name: 'StoreError', code: 'METALAB_STORE_IO' });
});
