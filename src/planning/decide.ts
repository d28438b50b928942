import type { ExperimentDeclaration } from '../definition/declaration.js';
import { countCells } from '../definition/declaration.js';
import { paramSourceFromSpec } from '../definition/params/from-spec.js';
import type { Entry } from '../storage/file/formats/plan-entries.js';
import { hasSegments, listSegmentParts } from '../storage/file/formats/records.js';
import type { PlanManifest, SubmissionOptions } from '../storage/manifest.js';
import { FinalStatuses } from './final-statuses.js';
import { RunTable } from './run-table.js';
import { type SharedPlan, STALE } from './steps.js';
import { makePlanners } from './threads.js';

/** What to execute, and why. `entries` is null if every cell is new. */
export interface Decision {
  readonly manifest: Omit<PlanManifest, 'submission'>;
  readonly entries: Iterable<Entry> | null;
}

type Options = Pick<SubmissionOptions, 'fresh' | 'keep_failed' | 'only'>;

/**
 * Decides which runs are missing: hashes every cell, and scans the store's records once. If the store is empty, nothing
 * is hashed or scanned.
 *
 * Memory: 26.4 bytes a cell (`RunTable` 22.4, `FinalStatuses` 4), one more while stale runs are counted. A process that
 * only planned a million finished runs peaked at 134 MB with one thread and at 200 MB with two.
 *
 * @param folder the experiment's folder in the store
 * @param sha the declaration's hash, its name in the store
 * @param threads how many threads hash and scan; 0: this one. By default, as many as save time
 */
export async function decidePlan(
  folder: string,
  declaration: ExperimentDeclaration,
  sha: string,
  options: Options,
  threads?: number,
): Promise<Decision> {
  const total = countCells(paramSourceFromSpec(declaration.params).length, declaration.seeds);
  const shared = {
    experiment_id: declaration.experiment_id,
    declaration: sha,
    total,
    collapsed: declaration.params.kind === 'random' ? (declaration.params.collapsed?.length ?? 0) : 0,
  };
  if (!options.only && !(await hasSegments(folder))) {
    const nothing = {
      retried: 0,
      reused: { success: 0, failed: 0, cancelled: 0 },
      stale: { code: 0, context: 0 },
    };
    return { manifest: { ...shared, ...nothing, kind: 'all', positions: total, new: total }, entries: null };
  }

  const { statuses, stale, named } = await findFinalStatuses(folder, declaration, total, options, threads);
  const choice: Choice = { ...options, named };
  const { newRuns, retried, reused } = count(statuses, choice);
  const counts = { new: newRuns, retried, reused, stale };
  if (newRuns === total)
    return { manifest: { ...shared, ...counts, kind: 'all', positions: total }, entries: null };
  const positions = newRuns + retried;
  return {
    manifest: { ...shared, ...counts, kind: 'list', positions },
    entries: { [Symbol.iterator]: () => chosen(statuses, choice) },
  };
}

async function findFinalStatuses(
  folder: string,
  { experiment_id, params, seeds, context_fingerprint, operation }: ExperimentDeclaration,
  cells: number,
  { only }: Options,
  threads: number | undefined,
) {
  const { parts, bytes } = await listSegmentParts(folder);
  const { code_fingerprint } = operation;
  const shared: SharedPlan = {
    declaration: { experiment_id, params, seeds, context_fingerprint, operation: { code_fingerprint } },
    cells,
    first: 0,
    parts,
    table: new SharedArrayBuffer(RunTable.bytes(cells)),
    statuses: new SharedArrayBuffer(FinalStatuses.bytes(cells)),
    // Unwritten zeroes take no memory, so this costs something only if stale runs are counted.
    stale: new SharedArrayBuffer(cells),
    foreign: new SharedArrayBuffer(1),
  };
  const statuses = new FinalStatuses(shared.statuses);
  const planners = makePlanners(shared, bytes, threads);
  try {
    await planners.do('enter-runs');
    await planners.do('scan-runs');
    const isForeign = new Uint8Array(shared.foreign)[0] === 1;
    const table = new RunTable(shared.table, cells);
    const named = new Set(only?.runs.map((runId) => table.find(runId)));
    // A retry of named runs does not report new ones.
    if (only || !isForeign || !hasNew(statuses)) return { statuses, stale: { code: 0, context: 0 }, named };
    table.clear();
    await planners.do('enter-stale');
    await planners.do('scan-stale');
    return { statuses, stale: countStale(new Uint8Array(shared.stale)), named };
  } finally {
    await planners.close();
  }
}

function hasNew(statuses: FinalStatuses): boolean {
  for (let cell = 0; cell < statuses.cells; cell++) if (statuses.isNone(cell)) return true;
  return false;
}

function countStale(reasons: Uint8Array): PlanManifest['stale'] {
  let [code, context] = [0, 0];
  for (const reason of reasons) {
    if (reason & STALE.code) code++;
    else if (reason & STALE.context) context++;
  }
  return { code, context };
}

/** What was requested; `named`: the cells whose run_ids were named. */
type Choice = Options & { readonly named: ReadonlySet<number> };

function isChosen(
  statuses: FinalStatuses,
  cell: number,
  { fresh, keep_failed, only, named }: Choice,
): boolean {
  const status = statuses.isNone(cell) ? undefined : statuses.status(cell);
  if (only) return named.has(cell) || (only.failed && status === 'failed');
  return fresh || status === undefined || (status !== 'success' && !keep_failed);
}

function count(statuses: FinalStatuses, choice: Choice) {
  const reused = { success: 0, failed: 0, cancelled: 0 };
  let [newRuns, retried] = [0, 0];
  for (let cell = 0; cell < statuses.cells; cell++) {
    const isNew = statuses.isNone(cell);
    if (!isChosen(statuses, cell, choice)) {
      if (!isNew) reused[statuses.status(cell)]++;
    } else if (isNew) newRuns++;
    else retried++;
  }
  return { newRuns, retried, reused };
}

/** The cells to execute, ascending. They are generated one by one, and never all in memory. */
function* chosen(statuses: FinalStatuses, choice: Choice): Generator<Entry, void> {
  for (let cell = 0; cell < statuses.cells; cell++)
    if (isChosen(statuses, cell, choice))
      yield [cell, statuses.isNone(cell) ? 0 : statuses.generation(cell) + 1];
}
