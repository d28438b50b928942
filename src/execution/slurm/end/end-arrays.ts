import type { BatchRemains } from '../../batch-executor.js';
import { ExecutionFault } from '../../execution-fault.js';
import { type ClusterRetry, placeFault } from '../cluster-retry.js';
import type { SubmissionCollector } from '../collect/submission-collector.js';
import type { QueuePoller } from '../queue/poller.js';
import type { StateFile } from '../spool/state-file.js';
import {
  CLOSE_SCRIPT,
  END_SCRIPT,
  type EndedJob,
  type FoundArray,
  parseFoundArrays,
  parseLiveJobs,
} from './end-script.js';

/** Aborted runs have 5 s to settle, and slots 2 s more. After this time the job itself is ended. */
const GRACE_MS = 30_000;
const LOOK_MS = 2_000;
/** A node that is down may hold a job for as long as it is down. */
const MAX_MS = 300_000;
/**
 * For a job that nobody noted: how often the queue is checked, and the time between. sbatch itself retries for two
 * minutes.
 */
const LOOKS = 2;
const LOOKS_ALIVE = 12;
const LOOK_APART_MS = 15_000;

interface Ending {
  /** The submission's folder in the spool. */
  readonly spool: string;
  readonly queue: Pick<QueuePoller, 'findByName' | 'pollSoon'>;
  readonly collector: SubmissionCollector;
  readonly state: StateFile;
}

/**
 * Ends what a submission's arrays still do, waits until they are gone, and fetches what they recorded. Safe to repeat,
 * and to run while another process follows one of them.
 *
 * @throws ExecutionFault with code `SILENT` if the cluster does not answer, or jobs do not end
 */
export async function endArrays(ending: Ending, retry: ClusterRetry): Promise<void> {
  const { spool, collector, state } = ending;
  const { over, jobs: known } = await state.read();
  const { stdout } = await retry.ask(['sh', '-c', CLOSE_SCRIPT, 'metalab', spool], {
    stdin: over.join('\n'),
    isAnswer: ({ exitCode, stdout: told }) => exitCode === 0 && parseFoundArrays(told) !== undefined,
  });
  const found = parseFoundArrays(stdout)!;
  const jobs: EndedJob[] = [];
  for (const array of found) {
    const job = array.job ?? (await findUnnoted(ending, array, retry));
    if (job !== null) jobs.push({ job, token: array.token });
  }
  // Its folder may have been removed from the spool.
  for (const [token, job] of Object.entries(known))
    if (!over.includes(token) && jobs.every((each) => each.token !== token)) jobs.push({ job, token });
  if (jobs.length > 0) {
    const noted = Object.fromEntries(jobs.map(({ token, job }) => [token, job]));
    await state.change((before) => ({ jobs: { ...before.jobs, ...noted } }));
    await endJobs(jobs, retry, () => ending.queue.pollSoon());
    await collector.collect(retry);
    await collector.sync();
  }
  await retry.ask(['rm', '-f', '--', `${spool}/env.json`]);
  await state.change((before) => ({
    open: false,
    over: [...new Set([...before.over, ...[...found, ...jobs].map(({ token }) => token)])],
  }));
}

/** Ends jobs whose tasks were asked to abort their runs, and waits until Slurm no longer has them. */
export async function endJobs(
  jobs: readonly EndedJob[],
  retry: ClusterRetry,
  onAsked: () => void = () => {},
): Promise<void> {
  const began = performance.now();
  for (let live = jobs; ; ) {
    const elapsed = performance.now() - began;
    const asked = live;
    const command = ['sh', '-c', END_SCRIPT, 'metalab', elapsed < GRACE_MS ? 'waiting' : 'all'];
    const { stdout } = await retry.ask(command, {
      stdin: `${asked.map(({ job }) => job).join('\n')}\n`,
      isAnswer: (result) => parseLiveJobs(result.stdout, asked) !== undefined,
    });
    live = parseLiveJobs(stdout, asked)!;
    onAsked();
    if (live.length === 0) return;
    if (elapsed > MAX_MS) throw placeFault('SILENT', `Slurm has not ended ${formatJobs(live)}`);
    await retry.sleep(LOOK_MS);
    retry.check();
  }
}

/** The submitter made no note, or has not made it yet. */
async function findUnnoted(
  { queue, spool }: Ending,
  { token, unsure }: FoundArray,
  retry: ClusterRetry,
): Promise<string | null> {
  if (unsure === 'no') return null;
  for (let look = 1; ; look++) {
    const job = await queue.findByName(`metalab-${token}`, retry);
    if (job !== undefined) return job;
    if (look >= (unsure === 'alive' ? LOOKS_ALIVE : LOOKS)) return null;
    await retry.sleep(LOOK_APART_MS);
    retry.check();
    const note = `${spool}/arrays/${token}/submit/job`;
    const { stdout } = await retry.ask(['sh', '-c', '[ ! -s "$1" ] || cat "$1"', 'metalab', note]);
    const noted = /^\d+/.exec(stdout)?.[0];
    if (noted !== undefined) return noted;
  }
}

const formatJobs = (jobs: readonly EndedJob[]) =>
  `job${jobs.length === 1 ? '' : 's'} ${jobs.map(({ job }) => job).join(', ')}`;

/** What is left of a submission when ending it was given up. @throws other errors */
export async function remainsOf(error: unknown, state: StateFile): Promise<BatchRemains> {
  if (!(error instanceof ExecutionFault) || error.code !== 'SILENT') throw error;
  const { jobs, over } = await state.read();
  const left = Object.entries(jobs).filter(([token]) => !over.includes(token));
  return { jobs: left.map(([, job]) => job), why: error.message };
}
