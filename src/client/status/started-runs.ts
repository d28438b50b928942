import type { ExperimentDeclaration } from '../../definition/declaration.js';
import type { RunRecord } from '../../definition/record.js';
import { Cells } from '../../identity/cells.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { cellAt, readEntries } from '../../storage/file/formats/plan-entries.js';
import type { LiveChunk, PlanManifest } from '../../storage/manifest.js';
import { readLiveChunks, runsOf } from './live-chunks.js';

export interface StartedRun {
  readonly run_id: string;
  /** Its cell. */
  readonly index: number;
  readonly params: RunRecord['params'];
  readonly replicate: number;
  readonly started_at: string;
}

type LiveRun = NonNullable<LiveChunk['running']>;

const keyOf = ({ position, started_at }: LiveRun) => `${position} ${started_at}`;

/** Reports one submission's runs that have been running for over a second, each attempt once. */
export class StartedRuns {
  readonly #store: FileStore;
  readonly #plan: PlanManifest;
  /** At most one per slot: ended runs are removed. */
  #known = new Map<string, StartedRun>();
  readonly #describe: (run: LiveRun) => Promise<StartedRun>;

  constructor(store: FileStore, plan: PlanManifest) {
    this.#store = store;
    this.#plan = plan;
    this.#describe = makeRunDescriber(store, plan);
  }

  /** Those that were running at the last call of {@link read}. */
  get running(): readonly StartedRun[] {
    return [...this.#known.values()];
  }

  /** @returns those that are new since the last call */
  async read(): Promise<StartedRun[]> {
    const folder = this.#store.experimentFolder(this.#plan.experiment_id);
    const chunks = await readLiveChunks(folder, this.#plan.submission);
    const running = chunks.flatMap(runsOf);
    const known = this.#known;
    const fresh: StartedRun[] = [];
    this.#known = new Map();
    for (const run of running) {
      const described = known.get(keyOf(run)) ?? (await this.#describe(run));
      if (!known.has(keyOf(run))) fresh.push(described);
      this.#known.set(keyOf(run), described);
    }
    return fresh;
  }
}

/** Details of runs in progress, by their positions in a plan. */
export function makeRunDescriber(
  store: FileStore,
  plan: PlanManifest,
): (run: LiveRun) => Promise<StartedRun> {
  const entries = readEntries(store.experimentFolder(plan.experiment_id), plan);
  let cells: Promise<DescribeCell> | undefined;
  return async ({ position, started_at }) => {
    cells ??= makeCellDescriber(store, plan);
    const describe = await cells;
    return { ...describe(await cellAt(entries, position)), started_at };
  };
}

export type DescribeCell = (cell: number) => Omit<StartedRun, 'started_at'>;

async function makeCellDescriber(
  store: FileStore,
  { experiment_id, declaration: sha }: PlanManifest,
): Promise<DescribeCell> {
  const declaration = await store.readDeclaration(experiment_id, sha);
  if (!declaration) throw new Error(`declaration ${sha} of ${experiment_id} is not in the store`);
  return describeCells(declaration);
}

export function describeCells(declaration: ExperimentDeclaration): DescribeCell {
  const cells = new Cells(declaration);
  return (cell) => {
    const { runId: run_id, index, replicate, case: ofCase } = cells.at(cell);
    return { run_id, index, params: ofCase.params, replicate };
  };
}
