import { StoreError } from '../definition/errors.js';
import type { RunStatus } from '../definition/record.js';
import { summarizeExperiments } from '../results/summaries.js';
import { requireResults } from '../storage/capabilities.js';
import { openStore } from '../storage/registry.js';

/** An experiment in `/api/experiments`. */
export interface AtlasExperiment {
  readonly experiment_id: string;
  readonly name: string;
  readonly version: string;
  readonly description: string | null;
  readonly tags: readonly string[];
  /** The name of the environment of its latest submission. */
  readonly environment: string;
  readonly metalab_version: string;
  /** Of its repository at the latest submission; null: it was in none. */
  readonly git: { readonly commit: string; readonly dirty: boolean } | null;
  /** ISO 8601. */
  readonly submitted_at: string;
  readonly submissions: number;
  /** Of its latest declaration. */
  readonly cells: number;
  /** Runs of the latest code and context, by the status of their final record. */
  readonly runs: { readonly [status in RunStatus]: number };
  /** Runs of older code or context. */
  readonly older: number;
  /** Lines that are no records. */
  readonly damaged: number;
}

/** What `/api/experiments` answers. */
export interface AtlasExperiments {
  /** The store's uri. */
  readonly store: string;
  /** The one submitted last first. */
  readonly experiments: readonly AtlasExperiment[];
}

/** Nothing has been submitted to it, or nothing has been indexed. */
const EMPTY = ['METALAB_STORE_MISSING', 'METALAB_INDEX_MISSING'];

/**
 * The experiments of a store. One where nothing was submitted yet has none.
 *
 * @throws StoreError, UsageError if it can't be opened or read
 */
export async function listExperiments(location: string): Promise<AtlasExperiments> {
  try {
    const store = requireResults(await openStore(location));
    const experiments: AtlasExperiment[] = [];
    for (const summary of await summarizeExperiments(store)) {
      const manifest = await store.readManifest(summary.experiment_id);
      if (!manifest) continue;
      const { name, version, description, tags, environment, metalab_version, git } = manifest;
      const { experiment_id, runs, older, damaged, submissions } = summary;
      experiments.push({
        ...{ experiment_id, name, version, description, tags, environment, metalab_version },
        git: git && { commit: git.commit, dirty: git.dirty },
        submitted_at: manifest.submitted_at,
        submissions,
        cells: manifest.totals.cells,
        ...{ runs, older, damaged },
      });
    }
    return { store: store.uri, experiments };
  } catch (error) {
    if (error instanceof StoreError && EMPTY.includes(error.code))
      return { store: location, experiments: [] };
    throw error;
  }
}
