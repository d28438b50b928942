import type { ClusterRetry } from '../cluster-retry.js';
import { cancelFile, yieldFile } from '../task/array-files.js';

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

/** Operations on an array's tasks from outside. Each is safe to repeat. */
export class JobControl {
  readonly #array: string;
  readonly #job: string;
  readonly #patience: ClusterRetry;

  constructor(array: string, job: string, patience: ClusterRetry) {
    this.#array = array;
    this.#job = job;
    this.#patience = patience;
  }

  /** Running tasks start no further run; pending tasks stay pending. */
  pause = () => this.#do('pause', yieldFile(this.#array));
  resume = () => this.#do('resume', yieldFile(this.#array));
  /** A worker that died may have left it paused. */
  resumeIfPaused = () => this.#do('resume-if-paused', yieldFile(this.#array));
  /** Running tasks abort their runs in progress and record that; pending tasks never begin. */
  cancel = () => this.#do('cancel', cancelFile(this.#array));
  /** Ends what is left of it. */
  end = () => this.#do('end', '');

  async #do(what: string, file: string): Promise<void> {
    await this.#patience.ask(['sh', '-c', CONTROL, 'metalab', what, file, this.#job], {
      isAnswer: ({ exitCode, stdout }) => exitCode === 0 || ALREADY.test(stdout),
    });
  }
}
