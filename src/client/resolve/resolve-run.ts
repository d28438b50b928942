import { partsOf, StoreError, UsageError } from '../../definition/errors.js';
import type { LogLine, RunRecord } from '../../definition/record.js';
import { type FoundRun, findRuns } from '../../results/find-runs.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { readObjects } from '../../storage/file/formats/segments.js';
import type { ResultsStore } from '../../storage/store.js';
import { resolvePrefix } from './resolve-prefix.js';

const MIN_CHARACTERS = 4;

/** A run's record, and the submission that executed it. */
interface FoundRecord {
  readonly record: RunRecord;
  readonly submission: string;
}

/**
 * Finds the final record of a run by a prefix of its run_id, in any experiment of the store.
 *
 * @throws UsageError if the prefix is too short, unknown or ambiguous
 */
export const resolveRun = async (store: ResultsStore, prefix: string): Promise<RunRecord> =>
  (await resolveStoredRun(store, prefix)).record;

/** The same, with the submission that executed it. */
export async function resolveStoredRun(store: ResultsStore, prefix: string): Promise<FoundRecord> {
  const [run] = await resolveStoredRuns(store, [prefix]);
  return run!;
}

/**
 * Finds several runs at once.
 *
 * @throws UsageError about every prefix that is too short, unknown or ambiguous
 */
export async function resolveStoredRuns(
  store: ResultsStore,
  prefixes: readonly string[],
): Promise<FoundRecord[]> {
  const texts = prefixes.map((prefix) => prefix.toLowerCase());
  const long = texts.filter((text) => text.length >= MIN_CHARACTERS);
  const candidates = long.length > 0 ? await findRuns(store, long) : [];
  const found = new Map(candidates.map((run) => [run.run_id, run]));
  const problems: UsageError[] = [];
  const runs = texts.flatMap((text) => {
    try {
      return [found.get(resolveId(text, found))!];
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      problems.push(error);
      return [];
    }
  });
  const [first] = problems;
  if (first) throw new UsageError(partsOf(problems, first.code));
  return Promise.all(runs.map((run) => readStored(store, run)));
}

function resolveId(prefix: string, found: ReadonlyMap<string, FoundRun>): string {
  if (prefix.length < MIN_CHARACTERS) {
    throw new UsageError({
      code: 'METALAB_SHORT_PREFIX',
      what: `'${prefix}' is too short to name a run`,
      expected: `at least the first ${MIN_CHARACTERS} characters of its run_id`,
      next: 'metalab results EXP --columns run_id,status lists them',
    });
  }
  const candidates = [...found.keys()].filter((id) => id.startsWith(prefix));
  return resolvePrefix(prefix, candidates, {
    kind: 'run',
    next: 'metalab results EXP --columns run_id,status lists them; --store names another store',
    describe: (candidate) => `${candidate}  ${found.get(candidate)?.experiment_id ?? ''}`,
  });
}

async function readStored(store: ResultsStore, run: FoundRun): Promise<FoundRecord> {
  const record = await run.record();
  if (record) return { record, submission: run.submission };
  throw new StoreError({
    code: 'METALAB_RECORD_GONE',
    where: store.uri,
    what: `the record of run ${run.run_id} can't be read any more`,
    next: 'try again: its segment may just have been removed',
  });
}

/**
 * Finds a run by a prefix of its run_id, even if it has no record yet but has logged something.
 *
 * @throws UsageError if the prefix is unknown or ambiguous
 */
export async function resolveLogs(
  store: FileStore,
  prefix: string,
): Promise<{ folder: string; run_id: string }> {
  const folders = new Map<string, string>();
  for (const { run_id, experiment_id } of await findRuns(store, [prefix])) {
    folders.set(run_id, store.experimentFolder(experiment_id));
  }
  for (const experimentId of folders.size === 0 ? await store.experiments() : []) {
    const folder = store.experimentFolder(experimentId);
    for (const path of await store.logFiles(experimentId)) {
      for await (const { object } of readObjects<LogLine>(path, { matching: `"run_id":"${prefix}` })) {
        if (object.run_id.startsWith(prefix)) folders.set(object.run_id, folder);
      }
    }
  }
  const runId = resolvePrefix(prefix, [...folders.keys()], {
    kind: 'run',
    next: 'a run that has not logged anything yet cannot be found: try again, or see metalab status',
  });
  return { run_id: runId, folder: folders.get(runId) ?? '' };
}
