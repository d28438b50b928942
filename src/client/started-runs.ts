import { paramSourceFromSpec } from '../definition/params/from-spec.js';
import { type Cell, cellOf } from '../planning/cells.js';
import { cellAt, readEntries } from '../planning/entries.js';
import type { LiveChunk, PlanManifest } from '../storage/manifest.js';
import type { SweepStore } from '../storage/sweep-store.js';
import { readLiveChunks, runsOf } from './live-chunks.js';

export interface StartedRun {
  readonly run_id: string;
  /** Its cell. */
  readonly index: number;
  readonly started_at: string;
}

type LiveRun = NonNullable<LiveChunk['running']>;

const keyOf = ({ position, started_at }: LiveRun) => `${position} ${started_at}`;

/** Tells of one submission's runs that have been going for over a second, each attempt once. */
export class StartedRuns {
  readonly #store: SweepStore;
  readonly #plan: PlanManifest;
  /** At most one a slot: what has ended is forgotten. */
  #known = new Set<string>();
  #identify: ((cell: number) => Cell) | undefined;

  constructor(store: SweepStore, plan: PlanManifest) {
    this.#store = store;
    this.#plan = plan;
  }

  /** @returns those that were not there the last time */
  async read(): Promise<StartedRun[]> {
    const folder = this.#store.experimentFolder(this.#plan.experiment_id);
    const chunks = await readLiveChunks(folder, this.#plan.submission);
    const running = chunks.flatMap(runsOf);
    const fresh = running.filter((run) => !this.#known.has(keyOf(run)));
    this.#known = new Set(running.map(keyOf));
    return Promise.all(fresh.map((run) => this.#describe(folder, run)));
  }

  async #describe(folder: string, { position, started_at }: LiveRun): Promise<StartedRun> {
    this.#identify ??= await this.#makeIdentify();
    const { runId, index } = this.#identify(await cellAt(readEntries(folder, this.#plan), position));
    return { run_id: runId, index, started_at };
  }

  async #makeIdentify(): Promise<(cell: number) => Cell> {
    const { experiment_id, declaration: sha } = this.#plan;
    const declaration = await this.#store.readDeclaration(experiment_id, sha);
    if (!declaration) throw new Error(`declaration ${sha} of ${experiment_id} is not in the store`);
    const source = paramSourceFromSpec(declaration.params);
    return (cell) => cellOf(declaration, source, cell);
  }
}
