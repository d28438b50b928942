import type { SlurmEnvironment } from '../../config/resolved-config.js';
import { formatBytes } from '../../definition/format-bytes.js';
import { askRoom, noRoomFor } from '../../transport/room.js';
import type { CommandResult, Transport } from '../../transport/transport.js';
import { type AskCluster, formatResult, isTransportError } from './cluster-retry.js';
import { isOverLimit } from './job/submit-script.js';
import { refuseOpenSpool } from './spool/spool-access.js';
import { type ClusterLimits, readLimits } from './submit/limits/limits.js';
import { isSuitable } from './submit/node-program.js';
import { RECORD_BYTES } from './submit/prepare-array.js';
import { taskResources } from './submit/resources.js';
import { sbatchArguments } from './submit/sbatch-arguments.js';

/** The result of checking one thing that a sweep on a cluster needs. */
export interface ClusterCheck {
  readonly name: string;
  /** `warn`: a problem that does not prevent a submit. */
  readonly ok: boolean | 'warn';
  /** What was found. */
  readonly detail: string;
  /** How to fix it. */
  readonly next?: string;
}

const CHECK_MS = 30_000;

const WRITABLE = `LC_ALL=C; export LC_ALL
cd && { [ -d "$1" ] || mkdir -p -m 700 "$1"; } && cd "$1" && f=".metalab-check-$$" && : > "$f" && rm "$f" && pwd -P`;

/** `runner.mjs` and `task.mjs`, and the other programs in the spool. */
const PROGRAM_BYTES = 1_000_000;
const NODE_BYTES = 130_000_000;
/** Enough for a larger sweep's records, or for some artifacts. */
const COMFORTABLE_BYTES = 100_000_000;

export const FILE_ROOT_NEXT =
  'set file_root to a folder that you may write to, on a filesystem that the compute nodes share (not /tmp)';

const UNREACHABLE =
  'set gateway, user, port, ssh_key and jump_hosts, or ~/.ssh/config, as for logging in by ssh from here';

type RunCommand = (command: readonly string[]) => Promise<CommandResult>;
type Step = (run: RunCommand) => Promise<ClusterCheck>;

/**
 * Checks a cluster for what a sweep needs: each line is ok or says how to fix it. It creates the folder `file_root`,
 * submits nothing, and ends after the first line if the cluster can't be reached.
 */
export async function* checkSlurm(
  environment: SlurmEnvironment,
  transport: Transport,
): AsyncGenerator<ClusterCheck, void> {
  const run = (command: readonly string[]) => transport.run(command, { timeout_ms: CHECK_MS });
  for (const step of steps(environment, transport)) {
    try {
      yield await step(run);
    } catch (error) {
      if (!isTransportError(error)) throw error;
      const { message, next, code } = error;
      const name = code === 'METALAB_TRANSPORT_HOST_KEY' ? 'host key' : 'reachable';
      yield { name, ok: false, detail: message.split('\n  next: ')[0]!, next: next ?? UNREACHABLE };
      return;
    }
  }
}

const steps = (environment: SlurmEnvironment, transport: Transport): Step[] => [
  async (run) => {
    const { stdout } = await run(['sh', '-c', 'echo "$(id -un)@$(hostname)"']);
    return { name: 'reachable', ok: true, detail: `${transport.place}, as ${stdout.trim()}` };
  },
  // A wrong host key is refused before any request is sent.
  ...(environment.gateway
    ? [async () => ({ name: 'host key', ok: true, detail: 'it matches the known one' })]
    : []),
  async (run) => {
    const result = await run(['sh', '-c', WRITABLE, 'metalab', environment.file_root]);
    if (result.exitCode !== 0)
      return { name: 'file_root', ok: false, detail: formatResult(['sh'], result), next: FILE_ROOT_NEXT };
    const path = result.stdout.trim();
    const open = await refuseOpenSpool(transport.place, run, path).catch(asCheck);
    return open ?? checkRoom(run, transport.place, path);
  },
  async (run) => {
    const result = await run(['sbatch', '--version']);
    return result.exitCode === 0
      ? { name: 'sbatch', ok: true, detail: result.stdout.trim() }
      : {
          name: 'sbatch',
          ok: false,
          detail:
            result.exitCode === 127
              ? `there is no sbatch on ${transport.place}`
              : formatResult(['sbatch'], result),
          next: 'name a login node of the cluster as gateway; sbatch must be in the PATH of commands without a terminal (set in ~/.bashrc, before it returns for these)',
        };
  },
  async (run) => {
    const result = await run(['squeue', '--noheader', '--me', '--format=%i']);
    return result.exitCode === 0
      ? {
          name: 'controller',
          ok: true,
          detail: `answers; ${countLines(result.stdout)} of your jobs are in the queue`,
        }
      : {
          name: 'controller',
          ok: false,
          detail: formatResult(['squeue'], result),
          next: 'wait, or ask the cluster’s administrators: sweeps wait for it too',
        };
  },
  async (run) => {
    const result = await run(['sacct', '--noheader', '--allocations', '--format=JobID']);
    return result.exitCode === 0
      ? { name: 'accounting', ok: true, detail: 'answers' }
      : {
          name: 'accounting',
          // Everything works without it, except that MaxRSS and exit codes are missing.
          ok: true,
          detail: `not there (${formatResult(['sacct'], result)}): errors will not contain MaxRSS`,
        };
  },
  () => checkLimits(environment, transport),
  async (run) => {
    const result = await run(['sbatch', '--test-only', ...jobOptions(environment), '--wrap=true']);
    const told = result.stderr.trim();
    // This resolves by itself.
    return result.exitCode === 0 || isOverLimit(told)
      ? { name: 'job', ok: true, detail: "Slurm would accept a job with the executor's settings" }
      : {
          name: 'job',
          ok: false,
          detail: told === '' ? formatResult(['sbatch'], result) : told.split('\n').join('; '),
          next: "correct the environment's executor settings; sinfo -s lists the cluster's partitions, sacctmgr show assoc user=$USER your accounts",
        };
  },
  async (run) => {
    const { stdout } = await run(['sh', '-c', 'node --version 2>/dev/null; uname -sm']);
    const [version = '', system = version] = stdout.trim().split('\n');
    const detail = isSuitable(version)
      ? `${version} on the gateway`
      : /^Linux (x86_64|aarch64)/.test(system)
        ? `no suitable one on the gateway; metalab ships one for ${system}`
        : `no suitable one, and none to ship for ${system}`;
    const ok = isSuitable(version) || /^Linux (x86_64|aarch64)/.test(system);
    const next = 'load a module that has Node 20.19 or later, or 22.12 or later, in modules or setup';
    return { name: 'Node', ok, detail, ...(ok ? {} : { next }) };
  },
];

function asCheck(error: unknown): ClusterCheck {
  if (!isTransportError(error) || error.code !== 'METALAB_TRANSPORT_FILE') throw error;
  const [detail = ''] = error.message.split('\n  next: ');
  return { name: 'file_root', ok: false, detail, next: error.next ?? FILE_ROOT_NEXT };
}

/**
 * The size of a sweep is not known in advance: this checks what every sweep needs, and reports the room for what runs
 * write.
 */
async function checkRoom(run: RunCommand, place: string, path: string): Promise<ClusterCheck> {
  const name = 'file_root';
  const { stdout: version } = await run(['sh', '-c', 'node --version 2>/dev/null; true']);
  const needed = PROGRAM_BYTES + (isSuitable(version.trim()) ? 0 : NODE_BYTES);
  const room = await askRoom(run, path, PROGRAM_BYTES);
  const next = 'make room there (metalab env clean NAME), or set file_root to a folder on another filesystem';
  const full = noRoomFor(place, "metalab's programs", needed, room);
  if (full) return { name, ok: false, detail: full.what, next };
  const { free_bytes } = room;
  const free = free_bytes === undefined ? '' : `, ${formatBytes(free_bytes)} free`;
  const needs = `a sweep needs ${formatBytes(needed)} for metalab's programs, its bundle and context files, and about ${formatBytes(RECORD_BYTES)} per run beside its artifacts and logs`;
  const detail = `${path}${free}; ${needs}`;
  return free_bytes !== undefined && free_bytes < needed + COMFORTABLE_BYTES
    ? { name, ok: 'warn', detail, next }
    : { name, ok: true, detail };
}

async function checkLimits(environment: SlurmEnvironment, transport: Transport): Promise<ClusterCheck> {
  let answer: CommandResult | undefined;
  const once: AskCluster = async (command) => {
    answer = await transport.run(command, { timeout_ms: CHECK_MS });
    return answer;
  };
  const limits = await readLimits(once, environment.executor);
  if (answer?.exitCode === 0) return { name: 'limits', ok: true, detail: formatLimits(limits) };
  const next = 'the controller must answer scontrol and sinfo: see the line above';
  return { name: 'limits', ok: false, detail: answer ? formatResult(['scontrol'], answer) : '', next };
}

function formatLimits({ array_tasks, submit, max_time_s, cpus }: ClusterLimits): string {
  return [
    `arrays of ${array_tasks} tasks`,
    Number.isFinite(submit) ? `${submit} of your jobs at a time` : 'no limit of submitted jobs',
    max_time_s === null ? 'no time limit' : `at most ${Math.round(max_time_s / 60)} min`,
    cpus === null ? 'CPUs unknown' : `${cpus} CPUs`,
  ].join(', ');
}

/** The sbatch options for the environment's own resources, without those of a particular array. */
function jobOptions({ executor }: SlurmEnvironment): string[] {
  const nothing = { slots: null, memory_bytes: null };
  const limits = {
    array_tasks: 1,
    submit: 1,
    default_time_s: null,
    max_time_s: null,
    cpus: null,
    accounting: false,
  };
  const resources = taskResources(executor, undefined, nothing, limits, {
    escalated: { memory: 0, time: 0 },
  });
  return sbatchArguments(
    { array: '/tmp', name: 'metalab-check', tasks: 1, resources, excluded: [] },
    executor,
  ).slice(0, -1);
}

const countLines = (text: string) => text.split('\n').filter((line) => line !== '').length;
