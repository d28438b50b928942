import type { ResolvedEnvironment } from '../config/resolved-config.js';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import type { FailureLimit } from '../definition/failure-limit.js';
import type { JsonObject } from '../definition/json.js';
import type { Objective } from '../definition/objective.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunningMeans } from '../definition/running-mean.js';

/** The state of the user's repository at submit, for saying in a paper what exactly was run. */
export interface GitState {
  readonly commit: string;
  /** Whether tracked files were changed, or the operation reaches files that are not tracked. */
  readonly dirty: boolean;
  /** `git diff HEAD` at submit, at most 256 KiB; null where no tracked file was changed. */
  readonly diff: string | null;
  /** Files that the operation reaches and that are not tracked, relative to the experiment's folder; at most 50. */
  readonly untracked?: readonly string[];
}

/** Which file a submission came from, and where that is in its repository. */
export interface SubmissionOrigin {
  readonly host: string;
  /** Absolute path of the experiment file. */
  readonly file: string;
  /** `host/path` of the remote `origin`, without a login; missing where there is none. */
  readonly repository?: string;
  /** The file's folder, relative to the repository's root. */
  readonly path?: string;
}

/** `experiment.json`: what the latest submission declared. */
export interface ExperimentManifest {
  readonly scheme: number;
  readonly experiment_id: string;
  /** SHA-256 of the declaration, its name under `declarations/`. */
  readonly declaration: string;
  readonly latest_submission: string;
  readonly submitted_at: string;
  readonly name: string;
  readonly version: string;
  readonly imported_from?: string;
  readonly description: string | null;
  readonly tags: readonly string[];
  readonly metadata: JsonObject;
  readonly operation: ExperimentDeclaration['operation'];
  readonly params: ExperimentDeclaration['params'];
  readonly seeds: ExperimentDeclaration['seeds'];
  readonly context: ExperimentDeclaration['context'];
  readonly context_fingerprint: string;
  readonly objective?: Objective;
  readonly derived?: ExperimentDeclaration['derived'];
  readonly files: ExperimentDeclaration['files'];
  readonly totals: { readonly cases: number; readonly cells: number };
  /** The environment's name. */
  readonly environment: string;
  readonly git: GitState | null;
  readonly metalab_version: string;
}

/** `submissions/{id}/submission.json`: what one `metalab submit` asked for. Written before Temporal hears of it. */
export interface SubmissionManifest {
  readonly submission: string;
  readonly experiment_id: string;
  readonly declaration: string;
  readonly submitted_at: string;
  /** `{place}-{pid}` of the process that wrote it; see owner.ts. Missing in stores of the first releases. */
  readonly submitter?: string;
  /** Which engine has it: see `engineKey`. Missing in submissions of older versions. */
  readonly engine?: string;
  /** The repository's state when what it executes was declared; null: in no repository. Missing in submissions of older versions. */
  readonly git?: GitState | null;
  /** Missing in retries, which need no file, and in submissions of older versions. */
  readonly origin?: SubmissionOrigin;
  /** Where its runs are executed; its services left out. Missing in submissions of older versions, which were local. */
  readonly environment?: ResolvedEnvironment;
  /** The submitter's umask. Missing in submissions of older versions. */
  readonly umask?: number;
  readonly options: SubmissionOptions;
  /** Of `env.json`; see `environmentDocument`. Missing in submissions of older versions, as the next one. */
  readonly env_signature?: string;
  /** Of all else here; see `manifestDocument`. */
  readonly signature?: string;
}

export interface SubmissionOptions {
  /** How many slots the submission, on a cluster each of its tasks, may use at once; null: as many as there are. */
  readonly slots: number | null;
  /** Reuse failed and cancelled runs too, instead of doing them again. */
  readonly keep_failed: boolean;
  /** Do every run again. */
  readonly fresh: boolean;
  /** Bring artifacts from a cluster as records are collected; without it, when somebody asks for one. */
  readonly artifacts?: boolean;
  /** How many runs may fail before it is ended. Absent: all. */
  readonly max_failures?: FailureLimit;
  /** Do only some of the runs. Absent: all that the others choose. */
  readonly only?: RunSelection;
}

/** Which runs a retry is about: all that are chosen by either. */
export interface RunSelection {
  /** Those whose final record is failed. */
  readonly failed: boolean;
  /** These run_ids, whatever their final record is. */
  readonly runs: readonly string[];
}

/** `submissions/{id}/plan.json`: what a submission decided. The cells themselves are in `plan.bin` beside it. */
export interface PlanManifest {
  readonly submission: string;
  readonly experiment_id: string;
  readonly declaration: string;
  /** All cells of the declaration: new + retried + reused. */
  readonly total: number;
  /** How many runs are to be executed, numbered by position: 0 … positions - 1. */
  readonly positions: number;
  /** Runs that the store knows nothing of. */
  readonly new: number;
  /** Runs that ended as failed or cancelled (or, with `fresh`, any way) and are done again. */
  readonly retried: number;
  /** Runs whose final record stands, by that record's status. */
  readonly reused: { readonly success: number; readonly failed: number; readonly cancelled: number };
  /** New runs for whose params and seed the store has a record under other code or another context. */
  readonly stale: { readonly code: number; readonly context: number };
  /** Trials of a random search that repeated an earlier one. */
  readonly collapsed: number;
  /** `all`: position p is cell p, generation 0, and there is no `plan.bin`. `list`: see `plan-entries.ts`. */
  readonly kind: 'all' | 'list';
  /** SHA-256 of `plan.bin`, where there is one; missing in plans of older versions. */
  readonly entries_sha256?: string;
  /** The name of `plan.bin`, where another worker's was there already. */
  readonly entries_file?: string;
  /** The derivation of each metric of those that were applied afterwards: slots don't give these names to others. */
  readonly derived_owners?: { readonly [metric: string]: string };
}

/** `submissions/{id}/outcome.json`: how a submission ended. Written once, when its last run is accounted for. */
export interface SubmissionOutcome {
  readonly submission: string;
  readonly experiment_id: string;
  readonly state: 'completed' | 'cancelled' | 'failed';
  readonly total: number;
  readonly reused: number;
  readonly executed: number;
  /** Final statuses of all of the declaration's cells: success + failed + cancelled + missing = total. */
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Cells without a final record: more than 0 only where the submission itself was cancelled or failed. */
  readonly missing: number;
  readonly started_at: string;
  readonly finished_at: string;
  readonly duration_ms: number;
  /** Why it did not complete, where it did not. */
  readonly reason: string | null;
  /** Of the runs that it executed. Missing in outcomes of older versions. */
  readonly digest?: RunDigest;
}

/**
 * `submissions/{id}/live/{worker}.json`: what a worker's chunks in progress have done so far, for showing only. What chunks
 * reported when they ended is the workflow's to tell. Deleted at the end.
 */
export interface LiveProgress {
  readonly worker: string;
  /** When the chunks last changed. */
  readonly updated_at: string;
  readonly chunks: readonly LiveChunk[];
}

export interface LiveChunk {
  /** Its first position. A chunk that has ended stays for a while: the workflow knows which have ended. */
  readonly from: number;
  readonly success: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Its run, where that has been going for more than a second. */
  readonly running: {
    readonly position: number;
    readonly started_at: string;
    readonly progress: number | null;
  } | null;
  /** Running means of at most 8 numeric metrics. */
  readonly means: RunningMeans;
  readonly digest?: RunDigest;
  /** Of a batch, which a scheduler elsewhere executes. */
  readonly batch?: LiveBatch;
}

export interface LiveBatch {
  /** The scheduler's id for it. */
  readonly job: string | null;
  /** Nodes that it does not use, since they failed before. */
  readonly excluded: readonly string[];
  /** The time limit of its jobs, where the scheduler allows less than was asked for: seconds. */
  readonly time_cut?: { readonly asked_s: number; readonly limit_s: number };
  /** Its tasks that wait for their turn, and that run. */
  readonly pending: number;
  readonly running: number;
  /** Why it waits, in the scheduler's words or metalab's. */
  readonly waits: string | null;
  /** Its runs that have been going for over a second, at most 20. */
  readonly runs: readonly NonNullable<LiveChunk['running']>[];
}
