import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { slurmOutputFile } from '../../../storage/file/layout.js';
import type { ClusterRetry } from '../cluster-retry.js';
import { SAYS, SAYS_RESTART, SET_UP_FAILED } from '../task/exit-codes.js';

/** Only the end of a task's output, which says why it ended. */
const MAX_BYTES = 64 * 1024;

/**
 * Name and end of every task's output that contains more than metalab's lines about start and end, each followed by
 * NUL.
 */
const SCRIPT = `cd "$1" || exit 0
grep -lv -e '^metalab: task ' -e '^metalab: done ' slurm-*.out 2>/dev/null | while read -r file; do
  printf '%s\\0' "$file"
  tail -c "$2" "$file" | tr -d '\\0'
  printf '\\0'
done
`;

/**
 * Copies the output that Slurm kept of an array's tasks into the store, where it stays for later questions.
 *
 * @param place the experiment's folder in the store, and the array's on the cluster
 * @returns outputs with content, by task
 */
export async function collectOutputs(
  place: {
    readonly folder: string;
    readonly submission: string;
    readonly array: string;
    readonly job: string;
  },
  retry: ClusterRetry,
): Promise<ReadonlyMap<number, string>> {
  const { folder, submission, array, job } = place;
  const command = ['sh', '-c', SCRIPT, 'metalab', array, String(MAX_BYTES)];
  const { stdout } = await retry.ask(command, { isAnswer: () => true });
  const parts = stdout.split('\0');
  const outputs = new Map<number, string>();
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const task = /^slurm-(\d+)\.out$/.exec(parts[at]!)?.[1];
    if (task === undefined) continue;
    outputs.set(Number(task), parts[at + 1]!);
  }
  if (outputs.size > 0) await keep(slurmOutputFile(folder, submission, job), outputs);
  return outputs;
}

/** One file per array: thousands of small files slow down a cluster's filesystem, and a laptop's. */
async function keep(path: string, outputs: ReadonlyMap<number, string>): Promise<void> {
  const text = [...outputs].map(([task, output]) => `==> task ${task} <==\n${output.trimEnd()}\n`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text.join('\n'));
}

/** Slurm's own last message in a task's output: why it ended a process. Undefined if there is none. */
export function lastSlurmMessage(output: string): string | undefined {
  return output
    .split('\n')
    .findLast((line) => /^(slurmstepd|slurmd|srun)\S*: /i.test(line))
    ?.trim();
}

/** Whether Slurm ended the task for its memory: slurmd's messages without cgroups, and with them. */
export const saysMemory = (output: string): boolean =>
  /^slurmstepd\S*: error: .*(exceeded (job )?memory limit|oom[-_ ]kill)/im.test(output);

/** The memory of a task that Slurm ended for it, bytes. Accounting only has the last sample before, up to 30 s old. */
export const memoryWhenEnded = (output: string): number =>
  Number(/exceeded (?:job )?memory limit \((\d+) > \d+\)/i.exec(lastSlurmMessage(output) ?? '')?.[1] ?? 0);

/** Which of a task's incarnations was the last to begin, according to its output; 0 if it names none. */
export const lastRestart = (output: string): number => {
  const line = output.split('\n').findLast((each) => each.startsWith(SAYS_RESTART));
  return Number(line?.slice(SAYS_RESTART.length)) || 0;
};

/** Whether the task ended because a module, the conda environment or a `setup` line failed. */
export const saysSetUpFailed = (output: string): boolean =>
  output.split('\n').some((line) => line.startsWith(`${SAYS}${SET_UP_FAILED}`));
