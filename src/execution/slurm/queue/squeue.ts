import { countTaskIds, parseTaskIds, type TaskIds } from './task-ids.js';

/** One line of `squeue`: a task, or tasks of one array that are pending together. */
export interface QueueEntry {
  /** The array's job id, or the job's if it is no array. */
  readonly job: string;
  /** undefined: no array, or a list that Slurm has truncated. */
  readonly tasks: TaskIds | undefined;
  readonly state: string;
  readonly reason: string;
  readonly nodes: string;
  readonly comment: string;
  readonly name: string;
}

// One line per task is about 60 bytes, `--json` 4 kB; the keys and shapes of `--json` also change between releases.
const DELIMITER = '\u001f';
// A job's name may contain newlines, so lines can't separate records: one odd job of the user must not hide the others.
const RECORD = '\u001e';
const FORMAT = RECORD + ['%F', '%K', '%T', '%r', '%N', '%k', '%j'].join(DELIMITER);

/**
 * Asks for all of the user's jobs, including those that metalab did not submit: they count for the limits.
 * `--states=all` shows jobs for some minutes after their end, which makes most accounting requests unnecessary. Long
 * lists are not truncated.
 */
export const squeueCommand = (user: string): string[] => [
  'env',
  'SLURM_BITSTR_LEN=0',
  'LC_ALL=C',
  'squeue',
  '--noheader',
  '--states=all',
  `--user=${user}`,
  `--format=${FORMAT}`,
];

/** @returns undefined if any part is malformed: such an answer decides nothing */
export function parseSqueue(output: string): QueueEntry[] | undefined {
  const entries: QueueEntry[] = [];
  const [before, ...records] = output.split(RECORD);
  if (before?.trim() !== '') return undefined;
  for (const record of records) {
    const [job, ids, state, reason, nodes, comment, ...name] = record.replace(/\n$/, '').split(DELIMITER);
    if (!job || !/^\d+$/.test(job) || !state || name.length === 0) return undefined;
    entries.push({
      job,
      tasks: parseTaskIds(ids ?? ''),
      state,
      reason: reason === 'None' || reason === '(null)' ? '' : (reason ?? ''),
      nodes: nodes ?? '',
      comment: comment ?? '',
      name: name.join(DELIMITER),
    });
  }
  return entries;
}

/** How many jobs an entry counts for: each task of an array is one. */
export const countJobs = ({ tasks }: QueueEntry): number => (tasks ? countTaskIds(tasks) : 1);
