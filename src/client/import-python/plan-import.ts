import type { ExperimentDeclaration } from '../../definition/declaration.js';
import type { JsonObject } from '../../definition/json.js';
import type { RunStatus } from '../../definition/record.js';
import { paramsFingerprint } from '../../identity/fingerprint.js';
import { declareImported } from './declare-imported.js';
import { derivedKey, type EarlierImport, type ImportedRun } from './earlier-import.js';
import { replicateNumbers } from './python-ids.js';
import { isObject } from './python-json.js';
import type { SourceExperiment, SourceRun } from './read-source.js';

/** A run that is to be imported, and the cell that it is. */
export interface PlannedRun {
  readonly run: SourceRun;
  readonly ofCase: number;
  readonly replicate: number;
  readonly generation: number;
}

export interface ImportPlan {
  readonly declaration: ExperimentDeclaration;
  /** In the order of their start. */
  readonly runs: readonly PlannedRun[];
  /** Runs that are in the store already, whose derived metrics it does not have. */
  readonly underived: readonly { readonly run: SourceRun; readonly imported: ImportedRun }[];
  /** Runs that are in the store, and stay as they are. */
  readonly known: number;
  /** How many runs there are after the import, by their final status. */
  readonly statuses: { readonly [status in RunStatus]: number };
}

/**
 * Gives each run of the source its cell: the case of its params, and the replicate of its seed as a manifest tells it,
 * else the first that no other run of these params has. Runs that the store has keep their cells.
 */
export function planImport(source: SourceExperiment, earlier: EarlierImport): ImportPlan {
  const cells = new CellTable(earlier.declaration);
  for (const [fingerprint, params] of earlier.params) cells.caseOf(fingerprint, params);
  const statuses = { success: 0, failed: 0, cancelled: 0 };
  for (const { params_fingerprint, replicate, status } of earlier.runs.values()) {
    cells.take(cells.caseOf(params_fingerprint), replicate);
    statuses[status]++;
  }
  const seeds = source.manifests.flatMap(({ seeds: each }) => (isObject(each) ? [each] : []));
  const numbers = replicateNumbers(seeds);
  const runs: PlannedRun[] = [];
  const underived: { run: SourceRun; imported: ImportedRun }[] = [];
  let known = earlier.runs.size;
  for (const run of inOrder(source.runs.values())) {
    const imported = earlier.runs.get(run.runId);
    if (imported && isSame(imported, run)) {
      if (!earlier.derived.has(derivedKey(imported.run_id, imported.generation)))
        underived.push({ run, imported });
      continue;
    }
    if (imported) {
      statuses[imported.status]--;
      known--;
    }
    statuses[run.status]++;
    const ofCase = cells.caseOf(run.paramsFingerprint, source.params.get(run.paramsFingerprint));
    const isAgain = imported?.params_fingerprint === run.paramsFingerprint;
    const replicate = isAgain ? imported.replicate : cells.takeFree(ofCase, numbers.get(run.seedFingerprint));
    runs.push({ run, ofCase, replicate, generation: isAgain ? imported.generation + 1 : 0 });
  }
  const base = earlier.declaration?.seeds.base ?? baseOf(seeds.at(-1)?.base);
  const declared = { cases: cells.cases, base, replicates: cells.replicates };
  return {
    declaration: declareImported(source, declared, earlier.declaration),
    runs,
    underived,
    known,
    statuses,
  };
}

/** So that cases stand in about the order in which they were declared. */
const inOrder = (runs: Iterable<SourceRun>) =>
  [...runs].sort((a, b) => a.startedAt - b.startedAt || (a.runId < b.runId ? -1 : 1));

/** Whether the record was not rewritten since: a run that failed may have been done again. */
const isSame = (imported: ImportedRun, run: SourceRun) =>
  imported.status === run.status && imported.finishedText === run.finishedText;

/** Others than whole numbers from 0 are no base here; the manifest has them. */
const baseOf = (base: unknown): number =>
  Number.isSafeInteger(base) && Number(base) >= 0 ? Number(base) : 0;

/** More than a case has replicates. */
const CASE_STRIDE = 2 ** 24;

/** The cases of an import, and which of their replicates are taken. */
class CellTable {
  readonly cases: JsonObject[];
  replicates: number;
  readonly #numbers = new Map<string, number>();
  /** One set for all cases: each set of its own takes 200 bytes. */
  readonly #taken = new Set<number>();
  /** By case: all replicates below are taken. */
  readonly #free: number[] = [];

  constructor(declaration: ExperimentDeclaration | undefined) {
    this.cases = declaration?.params.kind === 'manual' ? [...declaration.params.cases] : [];
    this.replicates = declaration?.seeds.replicates ?? 1;
    for (const [number, params] of this.cases.entries()) this.#numbers.set(paramsFingerprint(params), number);
  }

  /** @param params needed where the case may be new */
  caseOf(fingerprint: string, params?: JsonObject): number {
    const known = this.#numbers.get(fingerprint);
    if (known !== undefined) return known;
    this.#numbers.set(fingerprint, this.cases.length);
    return this.cases.push(params!) - 1;
  }

  take(ofCase: number, replicate: number): void {
    this.#taken.add(ofCase * CASE_STRIDE + replicate);
    this.replicates = Math.max(this.replicates, replicate + 1);
  }

  /** @param wanted taken where no other run has it */
  takeFree(ofCase: number, wanted: number | undefined): number {
    const isTaken = (replicate: number) => this.#taken.has(ofCase * CASE_STRIDE + replicate);
    let replicate = wanted;
    if (replicate === undefined || isTaken(replicate)) {
      replicate = this.#free[ofCase] ?? 0;
      while (isTaken(replicate)) replicate++;
      this.#free[ofCase] = replicate + 1;
    }
    this.take(ofCase, replicate);
    return replicate;
  }
}
