import { eachTaskId, parseTaskIds } from './task-ids.js';

/** What accounting says about one incarnation of a task. */
export interface AccountedTask {
  readonly job: string;
  readonly task: number;
  readonly state: string;
  readonly exitCode: string;
  readonly elapsedMs: number;
  readonly nodes: string;
  /** When it ended, milliseconds since 1970; NaN if it has not ended. */
  readonly endedAt: number;
  /** Of its batch step; 0 if it was not measured. */
  readonly maxRssBytes: number;
}

const FIELDS = ['JobID', 'State', 'ExitCode', 'ElapsedRaw', 'NodeList', 'End', 'MaxRSS'];
const DELIMITER = '\u001f';

/** For several arrays in one request. `--duplicates` includes incarnations that a node's failure ended. */
export const sacctCommand = (jobs: readonly string[]): string[] => [
  'env',
  'LC_ALL=C',
  'TZ=UTC',
  'sacct',
  '--noheader',
  '--parsable2',
  `--delimiter=${DELIMITER}`,
  '--duplicates',
  `--jobs=${jobs.join(',')}`,
  `--format=${FIELDS.join(',')}`,
];

/** By array and task, oldest incarnation first. Lines that belong to no task are left out. */
export function parseSacct(output: string): AccountedTask[] {
  const tasks: AccountedTask[] = [];
  for (const line of output.split('\n')) {
    const [id, state, exitCode, elapsed, nodes, end, rss] = line.split(DELIMITER);
    const match = /^(\d+)_([^.]+)(\..+)?$/.exec(id ?? '');
    const ids = parseTaskIds(match?.[2] ?? '');
    if (!match || !ids || !state || rss === undefined) continue;
    const job = match[1]!;
    if (match[3] === undefined) {
      // Tasks that never began share one line: `12_[3-9]`.
      for (const task of eachTaskId(ids))
        tasks.push({
          job,
          task,
          state,
          exitCode: exitCode ?? '',
          elapsedMs: Number(elapsed) * 1000 || 0,
          nodes: nodes === 'None assigned' ? '' : (nodes ?? ''),
          endedAt: Date.parse(`${end}Z`),
          maxRssBytes: 0,
        });
      continue;
    }
    // Steps are listed below the incarnation that they belong to.
    const last = tasks.at(-1);
    if (last?.job === job && last.task === ids.ranges[0]?.[0])
      tasks[tasks.length - 1] = { ...last, maxRssBytes: Math.max(last.maxRssBytes, parseSize(rss)) };
  }
  return tasks;
}

const UNITS: { readonly [unit: string]: number } = {
  '': 1,
  K: 1024,
  M: 1024 ** 2,
  G: 1024 ** 3,
  T: 1024 ** 4,
};

/** Slurm's sizes: `8052K`, `1.50G`. */
export function parseSize(text: string): number {
  const match = /^([\d.]+)([KMGT]?)/.exec(text);
  return match ? Math.round(Number(match[1]) * UNITS[match[2]!]!) : 0;
}
