import { StoreError, UsageError } from '../../definition/errors.js';
import type { RunRecord } from '../../definition/record.js';
import { findRuns } from '../../results/find-runs.js';
import type { Store } from '../../storage/store.js';
import { resolvePrefix } from './resolve-prefix.js';

const MIN_CHARACTERS = 4;

/**
 * Finds the final record of a run by a prefix of its run_id, in any experiment of the store.
 *
 * @throws UsageError if the prefix is too short, unknown or ambiguous
 */
export const resolveRun = async (store: Store, prefix: string): Promise<RunRecord> =>
  (await resolveStoredRun(store, prefix)).record;

/** The same, with the submission that executed it. */
export async function resolveStoredRun(
  store: Store,
  prefix: string,
): Promise<{ readonly record: RunRecord; readonly submission: string }> {
  if (prefix.length < MIN_CHARACTERS) {
    throw new UsageError({
      code: 'METALAB_SHORT_PREFIX',
      what: `'${prefix}' is too short to name a run`,
      expected: `at least the first ${MIN_CHARACTERS} characters of its run_id`,
      next: 'metalab results EXP --columns run_id,status lists them',
    });
  }
  const found = new Map((await findRuns(store, [prefix.toLowerCase()])).map((run) => [run.run_id, run]));
  const runId = resolvePrefix(prefix.toLowerCase(), [...found.keys()], {
    kind: 'run',
    next: 'metalab results EXP --columns run_id,status lists them; --store names another store',
    describe: (candidate) => `${candidate}  ${found.get(candidate)?.experiment_id ?? ''}`,
  });
  const run = found.get(runId);
  const record = await run?.record();
  if (run && record) return { record, submission: run.submission };
  throw new StoreError({
    code: 'METALAB_RECORD_GONE',
    where: store.uri,
    what: `the record of run ${runId} can't be read any more`,
    next: 'try again: its segment may just have been removed',
  });
}
