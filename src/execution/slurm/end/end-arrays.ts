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

/** Runs have 5 s to settle when they are aborted, slots 2 s more; then comes the end of the job itself. */
const GRACE_MS = 30_000;
const LOOK_MS = 2_000;
/** A node that is down may hold a job for as long as it is. */
const MAX_MS = 300_000;
/** A job that nobody noted: the queue is looked at so often, so far apart. sbatch itself tries for two minutes. */
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
 * Ends whatever a submission's arrays still do, waits to see it gone, and brings what they recorded. Safe to repeat, and
 * beside whoever looks after one of them.
 *
 * @throws ExecutionFault with code `SILENT` where the cluster does not answer, or jobs do not end
 */
export async function endArrays(ending: Ending, patience: ClusterRetry): Promise<void> {
  const { spool, collector, state } = ending;
  const { over, jobs: known } = await state.read();
  const { stdout } = await patience.ask(['sh', '-c', CLOSE_SCRIPT, 'metalab', spool], {
    stdin: over.join('\n'),
    isAnswer: ({ exitCode, stdout: told }) => exitCode === 0 && parseFoundArrays(told) !== undefined,
  });
  const found = parseFoundArrays(stdout)!;
  const jobs: EndedJob[] = [];
  for (const array of found) {
    const job = array.job ?? (await findUnnoted(ending, array, patience));
    if (job !== null) jobs.push({ job, token: array.token });
  }
  // Somebody may have removed its folder from the spool.
  for (const [token, job] of Object.entries(known))
    if (!over.includes(token) && jobs.every((each) => each.token !== token)) jobs.push({ job, token });
  if (jobs.length > 0) {
    const noted = Object.fromEntries(jobs.map(({ token, job }) => [token, job]));
    await state.change((before) => ({ jobs: { ...before.jobs, ...noted } }));
    await endJobs(jobs, patience, () => ending.queue.pollSoon());
    await collector.collect(patience);
    await collector.sync();
  }
  await patience.ask(['rm', '-f', '--', `${spool}/env.json`]);
  await state.change((before) => ({
    open: false,
    over: [...new Set([...before.over, ...[...found, ...jobs].map(({ token }) => token)])],
  }));
}

/**
 * Ends jobs whose tasks were told to abort their runs, and waits until Slurm has nothing of them.
 *
 * @param onAsked called whenever something may have ended
 */
export async function endJobs(
  jobs: readonly EndedJob[],
  patience: ClusterRetry,
  onAsked: () => void = () => {},
): Promise<void> {
  const began = performance.now();
  for (let live = jobs; ; ) {
    const elapsed = performance.now() - began;
    const asked = live;
    const command = ['sh', '-c', END_SCRIPT, 'metalab', elapsed < GRACE_MS ? 'waiting' : 'all'];
    const { stdout } = await patience.ask(command, {
      stdin: `${asked.map(({ job }) => job).join('\n')}\n`,
      isAnswer: (result) => parseLiveJobs(result.stdout, asked) !== undefined,
    });
    live = parseLiveJobs(stdout, asked)!;
    onAsked();
    if (live.length === 0) return;
    if (elapsed > MAX_MS) throw placeFault('SILENT', `Slurm has not ended ${formatJobs(live)}`);
    await patience.sleep(LOOK_MS);
    patience.check();
  }
}

/** Whoever submitted it made no note, or has not yet. */
async function findUnnoted(
  { queue, spool }: Ending,
  { token, unsure }: FoundArray,
  patience: ClusterRetry,
): Promise<string | null> {
  if (unsure === 'no') return null;
  for (let look = 1; ; look++) {
    const job = await queue.findByName(`metalab-${token}`, patience);
    if (job !== undefined) return job;
    if (look >= (unsure === 'alive' ? LOOKS_ALIVE : LOOKS)) return null;
    await patience.sleep(LOOK_APART_MS);
    patience.check();
    const note = `${spool}/arrays/${token}/submit/job`;
    const { stdout } = await patience.ask(['sh', '-c', '[ ! -s "$1" ] || cat "$1"', 'metalab', note]);
    const noted = /^\d+/.exec(stdout)?.[0];
    if (noted !== undefined) return noted;
  }
}

const formatJobs = (jobs: readonly EndedJob[]) =>
  `job${jobs.length === 1 ? '' : 's'} ${jobs.map(({ job }) => job).join(', ')}`;

/** What is left of a submission where ending it was given up. @throws other errors */
export async function remainsOf(error: unknown, state: StateFile): Promise<BatchRemains> {
  if (!(error instanceof ExecutionFault) || error.code !== 'SILENT') throw error;
  const { jobs, over } = await state.read();
  const left = Object.entries(jobs).filter(([token]) => !over.includes(token));
  return { jobs: left.map(([, job]) => job), why: error.message };
}
