import type { SweepStatus } from '../../client/sweep-status.js';
import type { Colors } from '../command.js';
import { wordCount, wordDuration, wordNumber, wordRate } from './words.js';

const BAR_WIDTH = 28;

export interface ProgressView {
  readonly status: SweepStatus;
  readonly perSecond: number | undefined;
  readonly elapsedMs: number;
}

/** What a terminal shows while a sweep runs: a bar, and the metrics' running means below. */
export function progressLines(view: ProgressView, color: Colors, width: number): string[] {
  const { status } = view;
  const done = status.success + status.failed + status.cancelled;
  const share = status.total > 0 ? done / status.total : 0;
  const filled = Math.round(share * BAR_WIDTH);
  const bar = color.green('━'.repeat(filled)) + color.dim('━'.repeat(BAR_WIDTH - filled));
  const head = `${color.bold(status.experiment_id)} ${bar} ${String(Math.floor(share * 100)).padStart(3)} %`;
  return [
    `${head}  ${facts(view, color).join(color.dim(' · '))}`,
    ...meansLine(status, color, width),
    ...stateLine(status, color),
  ];
}

/** The same as one plain line, for logs and pipes. */
export function progressText(view: ProgressView): string {
  const plain: Colors = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };
  return `${view.status.experiment_id}: ${facts(view, plain).join(', ')}`;
}

const same = (text: string) => text;

function facts({ status, perSecond, elapsedMs }: ProgressView, color: Colors): string[] {
  const done = status.success + status.failed + status.cancelled;
  const left = status.pending + status.running;
  return [
    `${wordCount(done)}/${wordCount(status.total)} runs`,
    ...(status.reused > 0 ? [`${wordCount(status.reused)} reused`] : []),
    ...(status.failed > 0 ? [color.red(`${wordCount(status.failed)} failed`)] : []),
    ...(status.cancelled > 0 ? [color.yellow(`${wordCount(status.cancelled)} cancelled`)] : []),
    ...(perSecond === undefined ? [] : [wordRate(perSecond)]),
    ...(perSecond === undefined || left === 0 ? [] : [`${wordDuration((left * 1000) / perSecond)} left`]),
    ...(perSecond === undefined && elapsedMs >= 1000 ? [wordDuration(elapsedMs)] : []),
  ];
}

function meansLine(status: SweepStatus, color: Colors, width: number): string[] {
  const means = Object.entries(status.means).map(([metric, { n, mean, m2 }]) => {
    const std = n > 1 ? ` ± ${wordNumber(Number(Math.sqrt(m2 / (n - 1)).toPrecision(2)))}` : '';
    return `${metric} ${wordNumber(mean)}${std}`;
  });
  const shown: string[] = [];
  for (const mean of means) {
    if ([...shown, mean].join(' · ').length > width - 4) break;
    shown.push(mean);
  }
  return shown.length > 0 ? [`  ${color.dim('mean')} ${shown.join(color.dim(' · '))}`] : [];
}

function stateLine({ state, reason, long_running }: SweepStatus, color: Colors): string[] {
  if (state === 'queued') return [`  ${color.dim('queued behind another submission of this experiment')}`];
  if (state === 'waiting') return [`  ${color.yellow(`waiting: ${reason ?? 'unknown'}`)}`];
  const known = long_running.flatMap((run) =>
    run.progress === null ? [] : [`${Math.round(run.progress * 100)} %`],
  );
  return known.length > 0 ? [`  ${color.dim('runs in progress at')} ${known.join(', ')}`] : [];
}
