import { submissionFolder } from '../../../storage/file/layout.js';
import { listNames } from '../../../storage/file/list-names.js';
import type { Transport } from '../../../transport/transport.js';
import { withinMinutes } from '../ask-once.js';
import type { AskCluster } from '../cluster-retry.js';
import { endJobs } from '../end/end-arrays.js';
import { StateFile } from '../spool/state-file.js';

/** An array in Slurm's queue, pending, running or completing, or one that may be about to enter it. */
export interface QueuedArray {
  readonly submission: string;
  readonly token: string;
  /** null: it is being submitted. */
  readonly job: string | null;
}

/** sbatch itself retries for two minutes. A submitter that was killed leaves the same folder behind. */
const SUBMITTING_MINUTES = 10;

/**
 * Lists all arrays of an experiment's submissions, and all of metalab's jobs in the queue, whoever submitted them.
 * Argument: the experiment's folder in the spool. A job whose name has a newline can't be mistaken for one of these.
 */
const ARRAYS_AND_QUEUE = `LC_ALL=C; export LC_ALL
queue=$(squeue --noheader --format='%F %j') || exit 75
if cd "$1/submissions" 2>/dev/null; then
  for array in */arrays/*; do
    [ -d "$array" ] || continue
    being=
    if [ -d "$array/submit" ] && [ ! -s "$array/submit/job" ] && ! grep -qE '^(closed|withdrawn)' "$array/submit/by" 2>/dev/null; then
      [ -z "$(find "$array/submit" -maxdepth 0 -cmin -${SUBMITTING_MINUTES})" ] || being=' submitting'
    fi
    printf '@array %s %s%s\\n' "\${array%%/*}" "\${array##*/}" "$being"
  done
fi
printf '%s\\n' "$queue" | grep -E '^[0-9]+ metalab-[0-9a-f]' | sort -u
echo @end`;

/**
 * Asks Slurm for every array that the spool or the store knows of an experiment.
 *
 * @param there the experiment's folder in the spool
 * @param folder its folder in the store
 */
export async function findQueuedArrays(
  ask: AskCluster,
  there: string,
  folder: string,
): Promise<{ readonly queued: readonly QueuedArray[]; readonly tokens: readonly string[] }> {
  const { stdout } = await ask(['sh', '-c', ARRAYS_AND_QUEUE, 'metalab', there], {
    isAnswer: ({ exitCode, stdout: told }) => exitCode === 0 && told.endsWith('@end\n'),
  });
  const submissions = new Map<string, string>();
  for (const submission of await listNames(submissionFolder(folder, '')))
    for (const token of Object.keys((await new StateFile(folder, submission).read()).jobs))
      submissions.set(token, submission);
  const submitting = new Set<string>();
  for (const [, submission, token, being] of stdout.matchAll(/^@array (\S+) (\S+)( submitting)?$/gm)) {
    submissions.set(token!, submission!);
    if (being) submitting.add(token!);
  }
  const queued: QueuedArray[] = [];
  for (const [, job, token] of stdout.matchAll(/^(\d+) metalab-([0-9a-f]+(?:-\d+)?)$/gm)) {
    const submission = submissions.get(token!);
    if (submission === undefined) continue;
    queued.push({ submission, token: token!, job: job! });
    submitting.delete(token!);
  }
  for (const token of submitting) queued.push({ submission: submissions.get(token)!, token, job: null });
  return { queued, tokens: [...submissions.keys()] };
}

/**
 * Makes tasks abort their runs in progress and record that. Argument: the experiment's folder. Input:
 * `SUBMISSION/arrays/TOKEN`.
 */
const CANCEL = `cd "$1/submissions" || exit 74
while read -r array; do [ ! -d "$array" ] || : > "$array/cancel" || exit 74; done`;

/**
 * Ends arrays that no workflow follows any more, and waits until Slurm no longer has them.
 *
 * @param places the experiment's folder in the store, and in the spool
 */
export async function endQueued(
  transport: Transport,
  places: { readonly folder: string; readonly there: string },
  queued: readonly QueuedArray[],
): Promise<void> {
  const jobs = queued.flatMap(({ job, token }) => (job === null ? [] : [{ job, token }]));
  const arrays = queued.map(({ submission, token }) => `${submission}/arrays/${token}\n`).join('');
  await withinMinutes(transport, async (retry) => {
    await retry.ask(['sh', '-c', CANCEL, 'metalab', places.there], { stdin: arrays });
    await endJobs(jobs, retry);
  });
  for (const submission of new Set(queued.map((each) => each.submission))) {
    const tokens = queued.filter((each) => each.submission === submission).map(({ token }) => token);
    const state = new StateFile(places.folder, submission);
    if ((await state.read()).open)
      await state.change(({ over }) => ({ over: [...new Set([...over, ...tokens])] }));
  }
}
