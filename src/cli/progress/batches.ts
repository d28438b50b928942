import type { SweepStatus } from '../../client/status/sweep-status.js';
import { formatCount } from '../../definition/format-count.js';
import { formatDuration } from '../../definition/format-duration.js';

type Batch = SweepStatus['batches'][number];

/** squeue(1), JOB REASON CODES: the most common ones. */
const REASONS: readonly (readonly [reason: RegExp, words: string])[] = [
  [/^Resources$/, 'no node is free'],
  [/^Priority$/, 'other jobs have priority'],
  [/^JobArrayTaskLimit$/, 'max_concurrent tasks are running'],
  [/^BeginTime$/, 'it starts in a moment'],
  [/^JobHeld/, 'it is held'],
  [/^ReqNodeNotAvail/, 'the nodes that it needs are down or reserved'],
  [/^(BadConstraints|PartitionNodeLimit|PartitionConfig)/, 'no node can ever give what it asks for'],
  [/^PartitionTimeLimit$/, 'it asks for more time than its partition gives'],
  [/Max.*Limit$|Grp.*Limit$/, 'you have reached your limit of jobs at once'],
];

/** `Slurm: Priority` → `Slurm: Priority, others come first`. Other texts stay unchanged. */
function formatWaits(waits: string): string {
  const reason = /^Slurm: (.+)$/.exec(waits)?.[1];
  if (reason?.includes('DOWN, DRAINED'))
    return 'Slurm: the nodes that it needs are down, drained or reserved';
  const words = reason && REASONS.find(([pattern]) => pattern.test(reason))?.[1];
  return words ? `${waits}, ${words}` : waits;
}

/** One line about a sweep's jobs in a scheduler; undefined if it has none. */
export function formatBatches(batches: readonly Batch[]): string | undefined {
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
    ...(jobs.length > 0 ? [formatTasks(running, pending)] : []),
    ...(unsent > 0 ? [jobs.length === 0 ? 'no job is submitted yet' : `${unsent} more to submit`] : []),
    ...(cut
      ? [
          `time limit ${formatDuration(cut.limit_s * 1000)}, all that the partition allows of the ${formatDuration(cut.asked_s * 1000)} asked for`,
        ]
      : []),
    ...(excluded.length > 0 ? [`without ${excluded.join(', ')}: failed twice`] : []),
  ];
  const named = jobs.length > 0 ? `${jobs.length === 1 ? 'job' : 'jobs'} ${formatJobs(jobs)}: ` : '';
  return `${named}${facts.join(', ')}${waits ? ` (${formatWaits(waits)})` : ''}`;
}

function formatTasks(running: number, pending: number): string {
  if (running === 0 && pending === 0) return 'ended, its records are being collected';
  if (pending === 0) return `${formatCount(running)} ${tasks(running)} running`;
  if (running === 0) return `${formatCount(pending)} ${tasks(pending)} pending`;
  return `${formatCount(running)} ${tasks(running)} running, ${formatCount(pending)} pending`;
}

/** The beginning of a reason that says that Slurm can't be asked: earlier reasons may no longer be true. */
const SILENT = 'Slurm has not answered';

const tasks = (count: number) => (count === 1 ? 'task' : 'tasks');

const MAX_JOBS = 4;
const formatJobs = (jobs: readonly string[]) =>
  jobs.length <= MAX_JOBS
    ? jobs.join(', ')
    : `${jobs.slice(0, MAX_JOBS).join(', ')} and ${jobs.length - MAX_JOBS} more`;
