import type { ExperimentDeclaration } from '../definition/declaration.js';
import { countCells } from '../definition/declaration.js';
import { paramSourceFromSpec } from '../definition/params/from-spec.js';
import type { ParamSource } from '../definition/params/source.js';
import { hasSegments, type RecordHead, scanRecordHeads } from '../storage/file/scan.js';
import { STATUS_RANK } from '../storage/final-record.js';
import type { PlanManifest, SubmissionOptions } from '../storage/manifest.js';
import { visitCells } from './cells.js';
import { EntryList } from './entries.js';
import { RunTable } from './run-table.js';

/** What is to be done, and why. `entries` is null where every cell is new. */
export interface Decision {
  readonly manifest: Omit<PlanManifest, 'submission'>;
  readonly entries: EntryList | null;
}

type Standing = { readonly generations: Uint32Array; readonly ranks: Uint8Array; readonly foreign: number };

/** No record yet. */
const NONE = 255;

/**
 * Decides which runs are missing: hashes every cell, and streams once over what the store has. Over an empty store
 * nothing is hashed or scanned. Memory: about 30 bytes a cell.
 *
 * @param folder the experiment's folder in the store
 * @param sha the declaration's hash, its name in the store
 */
export async function decidePlan(
  folder: string,
  declaration: ExperimentDeclaration,
  sha: string,
  options: Pick<SubmissionOptions, 'fresh' | 'keep_failed'>,
): Promise<Decision> {
  const source = paramSourceFromSpec(declaration.params);
  const total = countCells(source.length, declaration.seeds);
  const shared = {
    experiment_id: declaration.experiment_id,
    declaration: sha,
    total,
    collapsed: declaration.params.kind === 'random' ? (declaration.params.collapsed?.length ?? 0) : 0,
  };
  if (!(await hasSegments(folder))) {
    const nothing = {
      retried: 0,
      reused: { success: 0, failed: 0, cancelled: 0 },
      stale: { code: 0, context: 0 },
    };
    return { manifest: { ...shared, ...nothing, kind: 'all', positions: total, new: total }, entries: null };
  }

  const standing = await findStanding(folder, declaration, source, total);
  const { pairs, newRuns, retried, reused } = choose(standing, total, options);
  const stale =
    newRuns > 0 && standing.foreign > 0
      ? await countStale(folder, declaration, source, standing)
      : { code: 0, context: 0 };
  const counts = { new: newRuns, retried, reused, stale };
  if (newRuns === total)
    return { manifest: { ...shared, ...counts, kind: 'all', positions: total }, entries: null };
  const entries = new EntryList(pairs);
  return { manifest: { ...shared, ...counts, kind: 'list', positions: entries.positions }, entries };
}

/** The final record's generation and status of every cell, by the rule's first two keys; the others decide no plan. */
async function findStanding(
  folder: string,
  declaration: ExperimentDeclaration,
  source: ParamSource,
  total: number,
): Promise<Standing> {
  const table = new RunTable(total);
  visitCells(declaration, source, { from: 0, to: total }, ({ runId, index }) => table.set(runId, index));
  const generations = new Uint32Array(total);
  const ranks = new Uint8Array(total).fill(NONE);
  let foreign = 0;
  await scanRecordHeads(folder, undefined, (head) => {
    const cell = table.find(head.run_id);
    if (cell < 0) {
      foreign++;
      return;
    }
    const rank = STATUS_RANK[head.status];
    const standing = generations[cell]!;
    if (
      ranks[cell] === NONE ||
      head.generation > standing ||
      (head.generation === standing && rank < ranks[cell]!)
    ) {
      generations[cell] = head.generation;
      ranks[cell] = rank;
    }
  });
  return { generations, ranks, foreign };
}

function choose(
  { generations, ranks }: Standing,
  total: number,
  options: Pick<SubmissionOptions, 'fresh' | 'keep_failed'>,
) {
  const pairs = new Uint32Array(total * 2);
  const reused = { success: 0, failed: 0, cancelled: 0 };
  let [used, newRuns, retried] = [0, 0, 0];
  for (let cell = 0; cell < total; cell++) {
    const rank = ranks[cell]!;
    if (rank !== NONE && !options.fresh && (rank === STATUS_RANK.success || options.keep_failed)) {
      if (rank === STATUS_RANK.success) reused.success++;
      else if (rank === STATUS_RANK.failed) reused.failed++;
      else reused.cancelled++;
      continue;
    }
    if (rank === NONE) newRuns++;
    else retried++;
    pairs[used++] = cell;
    pairs[used++] = rank === NONE ? 0 : generations[cell]! + 1;
  }
  return { pairs: pairs.slice(0, used), newRuns, retried, reused };
}

/** Stale: new runs for whose params and seed the store has a record under other code or another context. */
async function countStale(
  folder: string,
  declaration: ExperimentDeclaration,
  source: ParamSource,
  { ranks }: Standing,
) {
  const key = (params: string, seed: string) => params.slice(0, 16) + seed.slice(0, 16);
  const table = new RunTable(ranks.length);
  visitCells(declaration, source, { from: 0, to: ranks.length }, (cell) => {
    table.set(key(cell.paramsFingerprint, cell.seedFingerprint), cell.index);
  });
  const CODE = 1;
  const CONTEXT = 2;
  const why = new Uint8Array(ranks.length);
  await scanRecordHeads(folder, undefined, (head: RecordHead) => {
    const cell = table.find(key(head.params_fingerprint, head.seed_fingerprint));
    if (cell < 0 || ranks[cell] !== NONE) return;
    const sameCode = head.code_fingerprint === declaration.operation.code_fingerprint;
    why[cell]! |= sameCode ? CONTEXT : CODE;
  });
  let [code, context] = [0, 0];
  for (const reason of why) {
    if (reason & CODE) code++;
    else if (reason & CONTEXT) context++;
  }
  return { code, context };
}
