import type { Cluster } from '../cluster.js';
import type { ClusterRetry } from '../cluster-retry.js';
import type { JobView } from '../queue/watched-job.js';
import { cancelFile, yieldFile } from '../task/array-files.js';
import { submitInTurn } from './limiter.js';

/** The job has left the queue, or never had tasks in that state: the goal is reached. */
const ALREADY =
  /invalid job id|already completing|already completed|job has already finished|not pending|job\/step already|requested operation is not/i;

const CONTROL = `LC_ALL=C; export LC_ALL
exec 2>&1
case $1 in
  pause) : > "$2" && scontrol hold "$3" ;;
  resume) rm -f "$2" && scontrol release "$3" ;;
  resume-if-paused) [ ! -e "$2" ] || { rm -f "$2" && scontrol release "$3"; } ;;
  # On a full disk, too, the job can be ended: a little later, all tasks together.
  cancel) : > "$2"; scancel --state=PENDING "$3" ;;
  end) scancel "$3" ;;
esac
`;

/** A job array as Slurm gets it. A single job is an array of one task. */
export interface JobRequest {
  /** Its folder on the cluster: notes of the job, and files that its tasks look for. */
  readonly folder: string;
  /**
   * Its name, unique on the cluster: a job whose submission got no answer is found by it. Or its comment, where its name is
   * one that people know it by: a job that has left the queue is not found by that, so it has to note its id in `live`.
   */
  readonly name: string;
  /** Arguments of `sbatch`, which contain the name and the number of tasks. */
  readonly sbatch: readonly string[];
  readonly tasks: number;
}

export interface SubmitJobOptions {
  /** The most jobs that the user may have in the queue; Infinity: no limit. */
  readonly limit: number;
  /** Called with what submitting waits for; null: it no longer waits. */
  readonly onWaits: (waits: string | null) => void;
}

/**
 * One job on a cluster. It is submitted once, however many processes try. It can be watched, paused, resumed and
 * cancelled after it was submitted.
 */
export class ScheduledJob {
  readonly #cluster: Cluster;
  readonly #request: JobRequest;
  readonly #retry: ClusterRetry;
  #id: string | undefined;

  /** @param id its job id, if it was submitted before */
  constructor(cluster: Cluster, request: JobRequest, retry: ClusterRetry, id?: string) {
    this.#cluster = cluster;
    this.#request = request;
    this.#retry = retry;
    this.#id = id;
  }

  /** Slurm's id of it; undefined until it is submitted. */
  get id(): string | undefined {
    return this.#id;
  }

  /**
   * Submits it when it is its turn, unless that was done before. If the answer of `sbatch` is lost, finds out whether
   * there is a job.
   *
   * @returns its id; undefined if it was cancelled before: then it is never submitted
   * @throws ExecutionFault with code `REFUSED` if Slurm refuses the job for good
   */
  async submit({ limit, ...options }: SubmitJobOptions): Promise<string | undefined> {
    const { folder, name, sbatch, tasks } = this.#request;
    const { limiter, queue } = this.#cluster;
    this.#id ??= await submitInTurn(
      { limiter, tasks, limit },
      { array: folder, name, sbatch, queue, retry: this.#retry, ...options },
    );
    return this.#id;
  }

  /**
   * Has the queue polled for it until the returned function is called.
   *
   * @param ended tasks that reported their own end; grows while the job runs
   */
  watch(ended: ReadonlySet<number>): () => void {
    return this.#cluster.queue.watch(this.#id!, this.#request.tasks, ended);
  }

  /** What Slurm has reported of it so far. */
  get view(): JobView {
    return this.#cluster.queue.view(this.#id ?? '');
  }

  /** Running tasks start no further run; pending tasks stay pending. */
  pause = () => this.#control('pause', yieldFile(this.#request.folder));
  resume = () => this.#control('resume', yieldFile(this.#request.folder));
  /** A worker that died may have left it paused. */
  resumeIfPaused = () => this.#control('resume-if-paused', yieldFile(this.#request.folder));
  /** Running tasks abort their runs in progress and record that; pending tasks never begin. */
  cancel = () => this.#control('cancel', cancelFile(this.#request.folder));
  /** Ends what is left of it. */
  end = () => this.#control('end', '');

  /** Each is safe to repeat. */
  async #control(what: string, file: string): Promise<void> {
    await this.#retry.ask(['sh', '-c', CONTROL, 'metalab', what, file, this.#id!], {
      isAnswer: ({ exitCode, stdout }) => exitCode === 0 || ALREADY.test(stdout),
    });
    // This one usually changes nothing.
    if (what !== 'resume-if-paused') this.#cluster.queue.pollSoon();
  }
}
