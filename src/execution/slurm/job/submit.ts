import { type ClusterRetry, placeFault } from '../cluster-retry.js';
import type { QueueWatch } from '../queue/poller.js';
import {
  ADOPT_SCRIPT,
  isOverLimit,
  parseSubmitAnswer,
  SUBMIT_SCRIPT,
  type SubmitAnswer,
  TAKE_BACK_SCRIPT,
  WITHDRAW_SCRIPT,
} from './submit-script.js';

/** sbatch tries for two minutes to reach a busy controller: a lock holder of that age may still be submitting. */
const GIVEN_UP_MS = 300_000;
/** How often the queue must show no such job, and the time between. */
const LOOKS = 2;
const LOOK_APART_MS = 15_000;
/** A controller that is down takes long to answer. */
const SBATCH_MS = 240_000;

export interface SubmitOptions {
  readonly array: string;
  /** The job's name, unique through the array's token. */
  readonly name: string;
  readonly sbatch: readonly string[];
  readonly queue: QueueWatch;
  /** Once it is cancelled, nothing more is submitted. */
  readonly retry: ClusterRetry;
  readonly onWaits: (waits: string | null) => void;
}

/** The result of an attempt. `over`: beyond the limits, Slurm accepts no further jobs now. */
export type Submitted =
  | { readonly kind: 'job'; readonly job: string }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'over'; readonly message: string };

/**
 * Submits the array exactly once. If the answer of sbatch or of the script is lost, the next attempt finds the job by
 * its note or by its name, and submits only if there certainly is none.
 *
 * @returns its job; `withdrawn` if it was cancelled before: then it never has one
 * @throws ExecutionFault with code `REFUSED` if Slurm refuses the job for good
 */
export async function submitArray(options: SubmitOptions): Promise<Submitted> {
  const { retry, onWaits } = options;
  for (;;) {
    retry.check();
    const answer = await (retry.cancelled ? withdraw(options) : runScript(options));
    switch (answer.kind) {
      case 'job':
        onWaits(null);
        return answer;
      case 'withdrawn': {
        // An earlier lock holder may have submitted already.
        const job = await findByName(options);
        return job === undefined ? answer : { kind: 'job', job };
      }
      case 'refused':
        if (retry.cancelled) break;
        if (!isOverLimit(answer.message)) throw refused(answer.message);
        return { kind: 'over', message: answer.message };
      case 'unsure':
      case 'taken': {
        onWaits(formatUnsure(answer));
        const job = await settle(options, answer);
        if (job !== undefined) return { kind: 'job', job };
      }
    }
  }
}

async function runScript({ array, sbatch, retry }: SubmitOptions): Promise<SubmitAnswer> {
  const { stdout } = await retry.ask(['sh', '-c', SUBMIT_SCRIPT, 'metalab', array, ...sbatch], {
    isAnswer: (result) => parseSubmitAnswer(result.stdout) !== undefined,
    timeout_ms: SBATCH_MS,
  });
  return parseSubmitAnswer(stdout)!;
}

async function withdraw({ array, retry }: SubmitOptions): Promise<SubmitAnswer> {
  const { stdout } = await retry.ask(['sh', '-c', WITHDRAW_SCRIPT, 'metalab', array], {
    isAnswer: (result) => parseSubmitAnswer(result.stdout) !== undefined,
  });
  return parseSubmitAnswer(stdout)!;
}

type Unsettled = Extract<SubmitAnswer, { readonly kind: 'unsure' | 'taken' }>;

/** Finds out whether there is a job that nobody noted. @returns the job; undefined if submitting may be tried again */
async function settle(options: SubmitOptions, answer: Unsettled): Promise<string | undefined> {
  const { array, retry } = options;
  const job = await findByName(options);
  if (job !== undefined) return job;
  // The lock holder may be about to submit: a job that is not in the queue now may appear in a moment.
  const mayStill =
    answer.kind === 'taken' &&
    (answer.alive === 'yes' || (answer.alive === 'unknown' && answer.ageMs < GIVEN_UP_MS));
  if (mayStill) {
    await retry.sleep(Math.min(LOOK_APART_MS, 2_000 + answer.ageMs / 4));
    return undefined;
  }
  for (let look = 1; look < LOOKS; look++) {
    await retry.sleep(LOOK_APART_MS);
    const found = await findByName(options);
    if (found !== undefined) return found;
  }
  const { stdout } = await retry.ask(['sh', '-c', TAKE_BACK_SCRIPT, 'metalab', array, answer.whose]);
  // Slurm may have forgotten the job by now, but its tasks still name it.
  const told = /^job (\d+)/.exec(stdout)?.[1];
  if (told !== undefined) return await adopt(options, told);
  if (stdout.trim() !== 'taken') await retry.sleep(LOOK_APART_MS);
  return undefined;
}

async function findByName(options: SubmitOptions): Promise<string | undefined> {
  const found = await options.queue.findByName(options.name, options.retry);
  return found === undefined ? undefined : adopt(options, found);
}

async function adopt({ array, retry }: SubmitOptions, found: string): Promise<string> {
  const { stdout } = await retry.ask(['sh', '-c', ADOPT_SCRIPT, 'metalab', array, found]);
  return stdout.trim() || found;
}

const formatUnsure = (answer: Unsettled): string =>
  answer.kind === 'unsure'
    ? `it is not known whether Slurm accepted the job: ${answer.message || 'sbatch was ended'}`
    : 'the job is being submitted, or its submission was lost: waiting until Slurm shows which';

const refused = (message: string) =>
  placeFault(
    'REFUSED',
    `Slurm refuses the job: ${message}\n  next: correct the environment's executor settings (partition, account, qos, time, memory, gpus, constraint) or the experiment's resources; 'metalab env check NAME' tries them`,
  );
