import type { SubmissionOutcome } from '../storage/manifest.js';
import type { ResultsStore } from '../storage/store.js';
import { readOrigins } from './current.js';
import { openDuckdbEngine } from './duckdb/engine.js';
import type { QueryEngine } from './engine.js';
import { type OpenRuns, openRuns } from './open-runs.js';

/** An experiment in a store, whose engines are opened when they are first asked for. */
export class Source {
  readonly store: ResultsStore;
  readonly experiment: string;
  readonly outcome: SubmissionOutcome | undefined;
  readonly #engines = new Map<boolean, Promise<QueryEngine>>();
  #runs: Promise<OpenRuns> | undefined;

  constructor(store: ResultsStore, experiment: string, outcome: SubmissionOutcome | undefined) {
    this.store = store;
    this.experiment = experiment;
    this.outcome = outcome;
  }

  engine(all: boolean): Promise<QueryEngine> {
    let engine = this.#engines.get(all);
    if (!engine) {
      engine = this.#open(all);
      this.#engines.set(all, engine);
      engine.catch(() => this.#engines.delete(all));
    }
    return engine;
  }

  async #open(all: boolean): Promise<QueryEngine> {
    this.#runs ??= openRuns(this.store, this.experiment);
    this.#runs.catch(() => {
      this.#runs = undefined;
    });
    const { folder, load } = await this.#runs;
    return openDuckdbEngine(folder, {
      ...(await readOrigins(folder)),
      all,
      loadSeries: () => load('series'),
    });
  }

  async close(): Promise<void> {
    const engines = [...this.#engines.values()];
    this.#engines.clear();
    for (const engine of engines) (await engine.catch(() => undefined))?.close();
    const runs = this.#runs;
    this.#runs = undefined;
    (await runs?.catch(() => undefined))?.close();
  }
}
