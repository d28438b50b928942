import type { SweepStatus } from '../../client/sweep-status.js';
import { wordCount } from './words.js';

type Batch = SweepStatus['batches'][number];

/** squeue(1), JOB REASON CODES: what people ask about most. */
const REASONS: readonly (readonly [reason: RegExp, words: string])[] = [
  [/^Resources$/, 'no node is free'],
  [/^Priority$/, 'others come first'],
  [/^JobArrayTaskLimit$/, 'max_concurrent tasks are running'],
  [/^BeginTime$/, 'it starts in a moment'],
  [/^JobHeld/, 'it is held'],
  [/^ReqNodeNotAvail/, 'the nodes that it needs are down or reserved'],
  [/^(BadConstraints|PartitionNodeLimit|PartitionConfig)/, 'no node can ever give what it asks for'],
  [/^PartitionTimeLimit$/, 'it asks for more time than its partition gives'],
  [/Max.*Limit$|Grp.*Limit$/, 'as much is running as you may have at once'],
];

/** `Slurm: Priority` → `Slurm: Priority, others come first`. What is no reason of Slurm's stays as it is. */
function wordWaits(waits: string): string {
  const reason = /^Slurm: (.+)$/.exec(waits)?.[1];
  if (reason?.includes('DOWN, DRAINED'))
    return 'Slurm: the nodes that it needs are down, drained or reserved';
  const words = reason && REASONS.find(([pattern]) => pattern.test(reason))?.[1];
  return words ? `${waits}, ${words}` : waits;
}

/** What a scheduler elsewhere does for a sweep, in a line; undefined where none does. */
export function wordBatches(batches: readonly Batch[]): string | undefined {
  if (batches.length === 0) return undefined;
  const jobs = batches.flatMap(({ job }) => (job === null ? [] : [job]));
  const unsent = batches.length - jobs.length;
  const sum = (of: (batch: Batch) => number) => batches.reduce((total, batch) => total + of(batch), 0);
  const [running, pending] = [sum((batch) => batch.running), sum((batch) => batch.pending)];
  const waits = batches.find(
    (batch) => batch.waits !== null && (batch.running === 0 || batch.waits.startsWith(SILENT)),
  )?.waits;
  const excluded = [...new Set(batches.flatMap((batch) => batch.excluded))];
  const cut = batches.find((batch) => batch.time_cut)?.time_cut;
  const facts = [
    ...(jobs.length > 0 ? [wordTasks(running, pending)] : []),
    ...(unsent > 0 ? [jobs.length === 0 ? 'no job is submitted yet' : `${unsent} more to submit`] : []),
    ...(cut
      ? [
          `time limit ${wordMinutes(cut.limit_s)}, all that the partition allows of the ${wordMinutes(cut.asked_s)} asked for`,
        ]
      : []),
    ...(excluded.length > 0 ? [`without ${excluded.join(', ')}: failed twice`] : []),
  ];
  const named = jobs.length > 0 ? `${jobs.length === 1 ? 'job' : 'jobs'} ${wordJobs(jobs)}: ` : '';
  return `${named}${facts.join(', ')}${waits ? ` (${wordWaits(waits)})` : ''}`;
}

function wordTasks(running: number, pending: number): string {
  if (running === 0 && pending === 0) return 'ended, its records are being collected';
  if (pending === 0) return `${wordCount(running)} ${tasks(running)} running`;
  if (running === 0) return `${wordCount(pending)} ${tasks(pending)} pending`;
  return `${wordCount(running)} ${tasks(running)} running, ${wordCount(pending)} pending`;
}

const wordMinutes = (seconds: number) => (seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`);

/** How it begins to say that the scheduler can't be asked: what it said before may no longer be so. */
const SILENT = 'Slurm has not answered';

const tasks = (count: number) => (count === 1 ? 'task' : 'tasks');

const MOST_JOBS = 4;
const wordJobs = (jobs: readonly string[]) =>
  jobs.length <= MOST_JOBS
    ? jobs.join(', ')
    : `${jobs.slice(0, MOST_JOBS).join(', ')} and ${jobs.length - MOST_JOBS} more`;
