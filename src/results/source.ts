import type { SubmissionOutcome } from '../storage/manifest.js';
import type { Store } from '../storage/store.js';
import { readOrigins } from './current.js';
import { openDuckdbEngine } from './duckdb/engine.js';
import type { QueryEngine } from './engine.js';

/** An experiment in a store, whose engines are opened when they are first asked for. */
export class Source {
  readonly store: Store;
  readonly experiment: string;
  readonly outcome: SubmissionOutcome | undefined;
  readonly #engines = new Map<boolean, Promise<QueryEngine>>();

  constructor(store: Store, experiment: string, outcome: SubmissionOutcome | undefined) {
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
    const { store, experiment } = this;
    const folder = store.experimentFolder(experiment);
    return openDuckdbEngine(folder, { ...(await readOrigins(folder)), all });
  }

  async close(): Promise<void> {
    const engines = [...this.#engines.values()];
    this.#engines.clear();
    for (const engine of engines) (await engine.catch(() => undefined))?.close();
  }
}
