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

/** sbatch tries for two minutes to reach a controller that is busy: who took the right that long ago may still be at it. */
const GIVEN_UP_MS = 300_000;
/** So often, and so far apart, the queue must say that it has no such job. */
const LOOKS = 2;
const LOOK_APART_MS = 15_000;
/** A controller that is down answers in its own time. */
const SBATCH_MS = 240_000;

export interface SubmitOptions {
  readonly array: string;
  /** The job's name, which the array's token makes unique. */
  readonly name: string;
  readonly sbatch: readonly string[];
  readonly queue: QueueWatch;
  readonly patience: ClusterRetry;
  readonly onWaits: (waits: string | null) => void;
  /** Whether the sweep was cancelled: then nothing more is submitted. */
  readonly isCancelled: () => boolean;
  /** Resolves when it is. */
  readonly cancelled: Promise<void>;
}

/** What became of an attempt: `over` the limits, Slurm takes no further jobs now. */
export type Submitted =
  | { readonly kind: 'job'; readonly job: string }
  | { readonly kind: 'withdrawn' }
  | { readonly kind: 'over'; readonly message: string };

/**
 * Has the array submitted, once. Whatever was lost on the way, the answer of sbatch or of the script, the next attempt finds
 * the job by its note or by its name, and submits only what surely was not.
 *
 * @returns its job; `withdrawn` where it was cancelled before: then it never has one
 * @throws ExecutionFault with code `REFUSED` where Slurm refuses the job for good
 */
export async function submitArray(options: SubmitOptions): Promise<Submitted> {
  const { patience, onWaits } = options;
  for (;;) {
    patience.check();
    const answer = await (options.isCancelled() ? withdraw(options) : runScript(options));
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
        if (options.isCancelled()) break;
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

async function runScript({ array, sbatch, patience }: SubmitOptions): Promise<SubmitAnswer> {
  const { stdout } = await patience.ask(['sh', '-c', SUBMIT_SCRIPT, 'metalab', array, ...sbatch], {
    isAnswer: (result) => parseSubmitAnswer(result.stdout) !== undefined,
    timeout_ms: SBATCH_MS,
  });
  return parseSubmitAnswer(stdout)!;
}

async function withdraw({ array, patience }: SubmitOptions): Promise<SubmitAnswer> {
  const { stdout } = await patience.ask(['sh', '-c', WITHDRAW_SCRIPT, 'metalab', array], {
    isAnswer: (result) => parseSubmitAnswer(result.stdout) !== undefined,
  });
  return parseSubmitAnswer(stdout)!;
}

type Unsettled = Extract<SubmitAnswer, { readonly kind: 'unsure' | 'taken' }>;

/** Finds out whether there is a job although nobody noted it. @returns it; undefined where submitting may be tried again */
async function settle(options: SubmitOptions, answer: Unsettled): Promise<string | undefined> {
  const { array, patience } = options;
  const job = await findByName(options);
  if (job !== undefined) return job;
  // Its owner may be about to submit: what the queue does not have now it may have in a moment.
  const mayStill =
    answer.kind === 'taken' &&
    (answer.alive === 'yes' || (answer.alive === 'unknown' && answer.ageMs < GIVEN_UP_MS));
  if (mayStill) {
    await patience.sleep(Math.min(LOOK_APART_MS, 2_000 + answer.ageMs / 4));
    return undefined;
  }
  for (let look = 1; look < LOOKS; look++) {
    await patience.sleep(LOOK_APART_MS);
    const found = await findByName(options);
    if (found !== undefined) return found;
  }
  const { stdout } = await patience.ask(['sh', '-c', TAKE_BACK_SCRIPT, 'metalab', array, answer.whose]);
  // A job that Slurm has forgotten by now: its tasks still tell which it was.
  const told = /^job (\d+)/.exec(stdout)?.[1];
  if (told !== undefined) return await adopt(options, told);
  if (stdout.trim() !== 'taken') await patience.sleep(LOOK_APART_MS);
  return undefined;
}

async function findByName(options: SubmitOptions): Promise<string | undefined> {
  const found = await options.queue.findByName(options.name, options.patience);
  return found === undefined ? undefined : adopt(options, found);
}

async function adopt({ array, patience }: SubmitOptions, found: string): Promise<string> {
  const { stdout } = await patience.ask(['sh', '-c', ADOPT_SCRIPT, 'metalab', array, found]);
  return stdout.trim() || found;
}

const formatUnsure = (answer: Unsettled): string =>
  answer.kind === 'unsure'
    ? `it is not known whether Slurm took the job: ${answer.message || 'sbatch was ended'}`
    : 'the job is being submitted, or its submission was lost: waiting until Slurm tells which';

const refused = (message: string) =>
  placeFault(
    'REFUSED',
    `Slurm refuses the job: ${message}\n  next: correct the environment's executor settings (partition, account, qos, time, memory, gpus, constraint) or the experiment's resources; 'metalab env check NAME' tries them`,
  );
