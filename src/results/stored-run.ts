import type { JsonObject } from '../definition/json.js';
import type { RunRecord } from '../definition/record.js';
import { Run, type RunFiles } from '../operation/recorded-run.js';
import { requireArtifactOpen, requireLogListing } from '../storage/capabilities.js';
import { readData, readSeries } from '../storage/file/formats/sidecars.js';
import type { ResultsStore } from '../storage/store.js';
import type { StoredRecord } from './engine.js';
import { openRuns } from './open-runs.js';
import { type RunDetails, readRunDetails } from './run-details.js';

/** A run of a store. */
export class StoredRun<Params = JsonObject> extends Run<Params> {
  /** The one that executed it. */
  readonly submission: string;
  readonly #store: ResultsStore;

  constructor(store: ResultsStore, { record, submission, derived }: StoredRecord) {
    super(runFilesOf(store), record, derived);
    this.submission = submission;
    this.#store = store;
  }

  /** All there is of it in one object: what `metalab show --json` prints. */
  details(): Promise<RunDetails> {
    return readRunDetails(this.#store, this);
  }
}

function runFilesOf(store: ResultsStore): RunFiles {
  return {
    series: (record) => ofRun(store, record, 'series', readSeries),
    data: (record) => ofRun(store, record, 'data', readData),
    logs: (experimentId, run) => requireLogListing(store).logs(experimentId, run),
    openArtifact: async (experimentId, artifact) =>
      requireArtifactOpen(store).openArtifact(experimentId, artifact),
  };
}

async function* ofRun<T>(
  store: ResultsStore,
  record: RunRecord,
  kind: 'series' | 'data',
  read: (folder: string, record: RunRecord) => AsyncIterable<T>,
): AsyncGenerator<T, void> {
  const runs = await openRuns(store, record.experiment_id, [record.run_id]);
  try {
    await runs.load(kind);
    yield* read(runs.folder, record);
  } finally {
    runs.close();
  }
}
