import type { Experiment } from '../definition/experiment.js';
import type { FailureLimit } from '../definition/failure-limit.js';
import type { JsonObject } from '../definition/json.js';
import type { Prompter } from '../transport/prompter.js';
import {
  ANYTHING,
  ASKED,
  EXECUTOR,
  FAILURE_LIMIT,
  FLAG,
  LISTENER,
  type OptionKinds,
  TEXT,
} from './check-arguments.js';
import type { Declared } from './declare/declare.js';
import type { ControlOptions, RetryOptions, RunHandle } from './run-handle.js';
import type { StoreChoice } from './store-choice.js';
import type { ReplacedDeclaration } from './submit/replaced-declaration.js';

export interface LabOptions {
  /** Called with a line for every long step, such as starting a server. Default: silence. */
  readonly say?: (line: string) => void;
}

export interface SubmitOptions extends StoreChoice {
  /**
   * Number of concurrent runs. Default: METALAB_SLOTS, else the environment's, else the worker's number of cores. On a
   * cluster: per task, which gets as many cpus; default: the task's cpus.
   */
  readonly slots?: number;
  /** Reuse failed and cancelled runs instead of executing them again. */
  readonly keepFailed?: boolean;
  /** Execute every run again. */
  readonly fresh?: boolean;
  /** Fetch artifacts from a cluster with its records, also of reused runs. Default: on demand. */
  readonly artifacts?: boolean;
  /**
   * Ends the submission, as a cancel does, after this number of failed runs, or share of its finished runs (`'20%'`,
   * which applies once 20 have finished). Default: the experiment's `maxFailures`, else no limit.
   */
  readonly maxFailures?: FailureLimit;
  /**
   * Called before the experiment replaces the latest declaration of its name, if that came from another project or
   * folder: false submits nothing. Default: a warning to `say`.
   */
  readonly onReplace?: (replaced: ReplacedDeclaration) => boolean | Promise<boolean>;
  /** Called when the submission is about to be put into its queue: from then on its runs may start. */
  readonly onEnqueue?: () => void;
  /** Submit even if another engine uses the store: its sweeps then wait until this one has ended. */
  readonly takeOver?: boolean;
}

export const LAB_OPTIONS: OptionKinds<LabOptions> = { say: LISTENER };
export const STORE_CHOICE: OptionKinds<StoreChoice> = { store: TEXT, executor: EXECUTOR };
export const SUBMIT_OPTIONS: OptionKinds<SubmitOptions> = {
  ...STORE_CHOICE,
  slots: ANYTHING,
  keepFailed: FLAG,
  maxFailures: FAILURE_LIMIT,
  onReplace: ASKED,
  onEnqueue: LISTENER,
  fresh: FLAG,
  artifacts: FLAG,
  takeOver: FLAG,
};

export interface CancelOptions extends ControlOptions {
  /** Asks the user if a cluster's login needs it. */
  readonly prompter?: Prompter | undefined;
}

/**
 * A connection to Temporal and to this machine's worker. Every method rejects arguments of a wrong type and unknown
 * options (METALAB_OPTION), and everything after `close()` (METALAB_CLOSED).
 */
export interface Lab {
  /** The server's address, and its web UI's if known. */
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly uiAddress: string | undefined;
  };
  /** Submits an experiment. Resolves once it is enqueued, before it has finished. */
  submit<Params>(experiment: Experiment<Params>, options?: SubmitOptions): Promise<RunHandle<Params>>;
  /** Submits the result of `evaluateFile`. */
  submitDeclared(declared: Declared, options?: SubmitOptions): Promise<RunHandle>;
  /** The handle of an experiment's latest submission. */
  attach<Params = JsonObject>(experimentId: string, options?: StoreChoice): Promise<RunHandle<Params>>;
  /**
   * Cancels an experiment's submission in progress and those queued behind it. Resolves once the workflow has accepted
   * that, and arrays that submissions without a workflow left on a cluster have been ended.
   *
   * @returns the handles of the submissions being cancelled
   * @throws MetalabError METALAB_NOT_RUNNING, METALAB_REFUSED; TransportError if a cluster can't be asked
   */
  cancel(experimentId: string, options?: StoreChoice & CancelOptions): Promise<RunHandle[]>;
  /** Submits the store's latest declaration of an experiment again: see {@link RunHandle.retry}. */
  retry(experimentId: string, options?: StoreChoice & RetryOptions): Promise<RunHandle>;
  /** Closes the connection. Runs continue. */
  close(): Promise<void>;
}
