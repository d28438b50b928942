import type { AskCluster } from '../../execution/slurm/cluster-retry.js';
import type { ServiceHandle } from '../service.js';
import type { ClusterFiles } from './cluster-files.js';

/** What a job was made for: written before it is submitted, and never changed. Holds no secret. */
export interface JobPlan {
  /** The job that it follows without being asked for; null: none. */
  readonly after: number | null;
  readonly services: readonly PlannedService[];
}

export interface PlannedService
  extends Pick<
    ServiceHandle,
    'name' | 'port' | 'log' | 'credentials' | 'metadata' | 'provides' | 'restarts'
  > {}

/** A job of an environment's services, as its files on the cluster tell of it. */
export interface ClusterJob {
  readonly number: number;
  /** undefined: its preparation was interrupted. */
  readonly plan: JobPlan | undefined;
  /** Slurm's id; undefined: it is not known to have been submitted. */
  readonly id: string | undefined;
  /** It will never be submitted. */
  readonly withdrawn: boolean;
  /** It was ended on request. */
  readonly down: boolean;
  /** A node has begun it. */
  readonly begun: boolean;
  readonly host: string | undefined;
  /** Since when it runs, and when Slurm will end it: ISO 8601. */
  readonly since: string | undefined;
  readonly until: string | undefined;
  /** All services were ready once. */
  readonly all: boolean;
  readonly failed: string | undefined;
  /** Why it ended, with all services. */
  readonly ended: string | undefined;
  /** Since when its last sign of life; seconds. */
  readonly silent_s: number | undefined;
  /** By service: since when it answers, and how often the job has started it again. */
  readonly ready: ReadonlyMap<string, string>;
  readonly restarts: ReadonlyMap<string, number>;
}

/** A job that has not begun. */
export const UNBEGUN: Omit<ClusterJob, 'number' | 'plan' | 'id'> = {
  ...{ withdrawn: false, down: false, begun: false, all: false },
  ...{ host: undefined, since: undefined, until: undefined },
  ...{ failed: undefined, ended: undefined, silent_s: undefined },
  ready: new Map(),
  restarts: new Map(),
};

/** Whether `next` waits for the end of a job, which may not be known yet. */
export const isFollowed = ({ number, ended }: ClusterJob, next: ClusterJob): boolean =>
  next.plan?.after === number && !next.begun && ended === undefined;

/**
 * Prints names and contents of the last two jobs' files, each followed by NUL. Argument: the folder of all. The shell reads
 * small files itself: with `cat`, each look would start a process for each file on the login node.
 */
const READ_SCRIPT = `print() { while IFS= read -r line || [ -n "$line" ]; do printf '%s\\n' "$line"; done < "$1"; }
cd "$1/jobs" 2>/dev/null || { [ ! -e "$1/jobs" ] && exit 0; exit 74; }
for number in $(ls | grep -x '[0-9]*' | sort -n | tail -n 2); do
  printf 'number\\0%s\\0' "$number"
  cd "$number" || exit 74
  for file in plan.json submit/job submit/by down claimed state/*; do
    [ -f "$file" ] || continue
    printf '%s\\0' "$file"
    case $file in
      state/beat) echo "$(($(date +%s) - $(stat -c %Y state/beat)))" ;;
      plan.json) cat plan.json ;;
      *) print "$file" ;;
    esac
    printf '\\0'
  done
  cd ..
done
echo end`;

/** The last two jobs, the newest first. Throws what `ask` throws. */
export async function readJobs(ask: AskCluster, files: ClusterFiles): Promise<ClusterJob[]> {
  const { stdout } = await ask(['sh', '-c', READ_SCRIPT, 'metalab', files.root], {
    isAnswer: (result) => result.exitCode === 0 && (result.stdout === '' || result.stdout.endsWith('end\n')),
  });
  return parseJobs(stdout);
}

export function parseJobs(output: string): ClusterJob[] {
  const words = output.split('\0');
  const jobs: { number: number; files: Map<string, string> }[] = [];
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [name, content] = [words[at]!, words[at + 1]!.trim()];
    if (name === 'number') jobs.push({ number: Number(content), files: new Map() });
    else jobs.at(-1)?.files.set(name, content);
  }
  return jobs.map(({ number, files }) => jobOf(number, files)).reverse();
}

function jobOf(number: number, files: ReadonlyMap<string, string>): ClusterJob {
  const ready = new Map<string, string>();
  const restarts = new Map<string, number>();
  for (const [name, content] of files) {
    if (name.startsWith('state/ready-')) ready.set(name.slice('state/ready-'.length), content);
    if (name.startsWith('state/restarts-'))
      restarts.set(name.slice('state/restarts-'.length), Number(content) || 0);
  }
  const plan = files.get('plan.json');
  const beat = files.get('state/beat');
  return {
    number,
    plan: plan ? (JSON.parse(plan) as JobPlan) : undefined,
    // A job that has begun knows its id, also where the answer of its submission was lost.
    id: files.get('submit/job') || files.get('claimed') || undefined,
    withdrawn: files.get('submit/by')?.startsWith('withdrawn') ?? false,
    down: files.has('down'),
    begun: files.has('claimed'),
    host: files.get('state/host') || undefined,
    since: files.get('state/since') || undefined,
    until: files.get('state/until') || undefined,
    all: files.has('state/all'),
    failed: files.get('state/failed'),
    ended: files.get('state/ended'),
    silent_s: beat === undefined ? undefined : Number(beat),
    ready,
    restarts,
  };
}
