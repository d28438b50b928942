import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { countCells, type ExperimentDeclaration } from '../../src/definition/declaration.js';
import { paramSourceFromSpec } from '../../src/definition/params/from-spec.js';
import type { RunStatus } from '../../src/definition/record.js';
import { type Cell, Cells } from '../../src/identity/cells.js';
import { decidePlan } from '../../src/planning/decide.js';
import { tallyPlan } from '../../src/planning/tally.js';
import { writePlan } from '../../src/planning/write-plan.js';
import { readEntries, verifyEntries } from '../../src/storage/file/formats/plan-entries.js';
import { submissionFolder } from '../../src/storage/file/layout.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { EXPERIMENT, recordOf, writeSegment } from '../support/records.js';

const OPTIONS = { fresh: false, keep_failed: false, slots: null };

const declarationOf = (values: readonly number[], code = 'c'.repeat(32), context = 'e'.repeat(32)) =>
  ({
    experiment_id: EXPERIMENT,
    params: { kind: 'grid', axes: { x: values } },
    seeds: { base: 1, replicates: 2 },
    context_fingerprint: context,
    operation: { code_fingerprint: code },
  }) as unknown as ExperimentDeclaration;

function cellsOf(declaration: ExperimentDeclaration): Cell[] {
  const { length } = paramSourceFromSpec(declaration.params);
  const cells = new Cells(declaration);
  return Array.from({ length: countCells(length, declaration.seeds) }, (_, index) => cells.at(index));
}

/** Records as slots would have written them for a declaration. */
const recordsOf = (
  declaration: ExperimentDeclaration,
  statuses: readonly (RunStatus | undefined)[],
  generation = 0,
) =>
  cellsOf(declaration).flatMap(({ index, runId, case: { paramsFingerprint }, seedFingerprint }) => {
    const status = statuses[index];
    if (!status) return [];
    return [
      recordOf({
        run_id: runId,
        index,
        status,
        generation,
        params_fingerprint: paramsFingerprint,
        seed_fingerprint: seedFingerprint,
        code_fingerprint: declaration.operation.code_fingerprint,
        context_fingerprint: declaration.context_fingerprint,
      }),
    ];
  });

async function emptyStore() {
  const root = mkdtempSync(join(tmpdir(), 'metalab-planning-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return openFileStore(root, { create: true });
}

describe('a plan', () => {
  it('over an empty store is everything, and lists nothing', async () => {
    const store = await emptyStore();
    const { manifest, entries } = await decidePlan(
      store.experimentFolder(EXPERIMENT),
      declarationOf([1, 2, 3]),
      'sha',
      OPTIONS,
    );
    expect(manifest).toMatchObject({ kind: 'all', total: 6, positions: 6, new: 6, retried: 0 });
    expect(entries).toBeNull();
  });

  it('reuses successes, does failed and cancelled runs again in the next generation, and adds the new', async () => {
    const store = await emptyStore();
    const folder = store.experimentFolder(EXPERIMENT);
    writeSegment(
      store,
      recordsOf(declarationOf([1, 2, 3]), [
        'success',
        'failed',
        'success',
        'cancelled',
        undefined,
        'success',
      ]),
    );
    const plan = await writePlan(folder, 's2', declarationOf([1, 2, 3]), 'sha', OPTIONS);
    expect(plan).toMatchObject({
      kind: 'list',
      positions: 3,
      new: 1,
      retried: 2,
      reused: { success: 3, failed: 0, cancelled: 0 },
    });
    const cells: number[] = [];
    for await (const piece of readEntries(folder, plan).cells(0, 3)) cells.push(...piece);
    expect(cells).toEqual([1, 3, 4]);
  });

  it('keeps failed runs where that is asked for, and does all again where everything is to be fresh', async () => {
    const store = await emptyStore();
    const folder = store.experimentFolder(EXPERIMENT);
    writeSegment(store, recordsOf(declarationOf([1, 2]), ['success', 'failed', 'cancelled', 'success']));
    const kept = await decidePlan(folder, declarationOf([1, 2]), 'sha', { ...OPTIONS, keep_failed: true });
    expect(kept.manifest).toMatchObject({ positions: 0, reused: { success: 2, failed: 1, cancelled: 1 } });
    const fresh = await decidePlan(folder, declarationOf([1, 2]), 'sha', { ...OPTIONS, fresh: true });
    expect(fresh.manifest).toMatchObject({ positions: 4, new: 0, retried: 4 });
  });

  it('of a submission that workers plan at once is one of theirs, and stands with its own entries', async () => {
    const store = await emptyStore();
    const folder = store.experimentFolder(EXPERIMENT);
    writeSegment(store, recordsOf(declarationOf([1, 2]), ['success', 'failed', 'cancelled', 'success']));
    for (let round = 0; round < 20; round++) {
      const options = [OPTIONS, { ...OPTIONS, fresh: true }, { ...OPTIONS, keep_failed: true }, OPTIONS];
      const plans = await Promise.all(
        options.map((options) => writePlan(folder, `s${round}`, declarationOf([1, 2, 3]), 'sha', options)),
      );
      for (const plan of plans) expect(plan).toEqual(plans[0]);
      await verifyEntries(folder, plans[0]!);
      const left = readdirSync(submissionFolder(folder, `s${round}`)).filter((name) =>
        name.startsWith('plan'),
      );
      expect(left.sort()).toEqual([plans[0]!.entries_file ?? 'plan.bin', 'plan.json'].sort());
    }
  });

  it('goes by the highest generation, and within it by success first: a late record of an earlier one changes nothing', async () => {
    const store = await emptyStore();
    const folder = store.experimentFolder(EXPERIMENT);
    const declaration = declarationOf([1]);
    writeSegment(store, recordsOf(declaration, ['success', 'failed'], 0), {
      writer: 'late-1-aa',
      submission: 's3',
    });
    writeSegment(store, recordsOf(declaration, ['failed', 'success'], 1), {
      writer: 'host-1-bb',
      submission: 's2',
    });
    writeSegment(store, recordsOf(declaration, [undefined, 'failed'], 1), {
      writer: 'host-1-cc',
      submission: 's2',
    });
    const { manifest, entries } = await decidePlan(folder, declaration, 'sha', OPTIONS);
    expect(manifest).toMatchObject({ positions: 1, retried: 1, reused: { success: 1 } });
    expect([...entries!]).toEqual([[0, 2]]);
  });

  it('counts as stale what was done under other code or another context, once a run', async () => {
    const store = await emptyStore();
    const folder = store.experimentFolder(EXPERIMENT);
    const old = declarationOf([1, 2], 'a'.repeat(32));
    writeSegment(store, recordsOf(old, ['success', 'success', 'success', 'failed']));
    const now = declarationOf([1, 2, 3]);
    expect((await decidePlan(folder, now, 'sha', OPTIONS)).manifest).toMatchObject({
      new: 6,
      stale: { code: 4, context: 0 },
    });
    const elsewhere = declarationOf([1, 2, 3], 'a'.repeat(32), 'f'.repeat(32));
    expect((await decidePlan(folder, elsewhere, 'sha', OPTIONS)).manifest).toMatchObject({
      new: 6,
      stale: { code: 0, context: 4 },
    });
  });
});

describe('the tally of a submission', () => {
  it('names the ranges of positions that have no record, of its own segments only', async () => {
    const store = await emptyStore();
    const folder = store.experimentFolder(EXPERIMENT);
    const declaration = declarationOf([1, 2, 3, 4]);
    writeSegment(store, recordsOf(declaration, ['failed', 'success']), { submission: 's1' });
    const plan = await writePlan(folder, 's2', declaration, 'sha', OPTIONS);
    // Cells 0 and 2 … 7 are at positions 0 … 6.
    writeSegment(
      store,
      recordsOf(declaration, ['success', undefined, 'failed', undefined, undefined, 'cancelled']),
      { submission: 's2' },
    );
    expect(await tallyPlan(folder, 's2', readEntries(folder, plan))).toEqual({
      recorded: 3,
      success: 1,
      failed: 1,
      cancelled: 1,
      missing: [
        { from: 2, to: 4 },
        { from: 5, to: 7 },
      ],
    });
  });

  it('of a part of the plan counts only that part', async () => {
    const store = await emptyStore();
    const folder = store.experimentFolder(EXPERIMENT);
    const declaration = declarationOf([1, 2, 3, 4]);
    writeSegment(store, recordsOf(declaration, ['failed', 'success']), { submission: 's1' });
    const plan = await writePlan(folder, 's2', declaration, 'sha', OPTIONS);
    writeSegment(store, recordsOf(declaration, ['success', undefined, 'failed', 'success', 'success']), {
      submission: 's2',
    });
    // Cells 3 … 6 are at positions 2 … 5.
    expect(await tallyPlan(folder, 's2', readEntries(folder, plan), { from: 2, to: 6 })).toMatchObject({
      recorded: 2,
      success: 2,
      missing: [{ from: 4, to: 6 }],
    });
    expect(await tallyPlan(folder, 's2', readEntries(folder, plan), { from: 7, to: 7 })).toMatchObject({
      recorded: 0,
      missing: [],
    });
  });

  it('counts a run once, the better record where there are two', async () => {
    const store = await emptyStore();
    const folder = store.experimentFolder(EXPERIMENT);
    const declaration = declarationOf([1]);
    const plan = await writePlan(folder, 's1', declaration, 'sha', OPTIONS);
    writeSegment(store, [
      ...recordsOf(declaration, ['failed', 'success']),
      ...recordsOf(declaration, ['success']),
    ]);
    expect(await tallyPlan(folder, 's1', readEntries(folder, plan))).toMatchObject({
      success: 2,
      failed: 0,
      missing: [],
    });
  });
});
