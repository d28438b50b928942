import { stripVTControlCharacters } from 'node:util';
import type { SweepStatus } from '../../client/status/sweep-status.js';
import { formatCount } from '../../definition/format-count.js';
import { formatDuration } from '../../definition/format-duration.js';
import { shorten } from '../../definition/printable.js';
import type { Colors } from '../command.js';
import { formatNumber } from '../format/format-number.js';
import { formatBatches } from './batches.js';
import { formatBest, formatSameError } from './objective.js';
import { formatLost, formatSilence, formatStatus } from './status.js';

const BAR_WIDTH = 28;
const MIN_BAR_WIDTH = 8;

export interface ProgressView {
  readonly status: SweepStatus;
  readonly perSecond: number | undefined;
  readonly elapsedMs: number;
  /** How long ago `status` was received. */
  readonly silentMs: number;
}

/** Progress for a terminal: a bar, the rate, and the metrics' running means. No line is wider than `width`. */
export function progressLines(view: ProgressView, color: Colors, width: number): string[] {
  const { status } = view;
  const runs = formatRuns(status);
  const share = status.total > 0 ? done(status) / status.total : 0;
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
  // The final width of the counts is reserved from the start: a bar that changes its length is hard to read.
  const others = `${status.experiment_id}  ${percent}  ${formatRuns({ ...status, success: status.total, failed: 0, cancelled: 0 })}`;
  const length = Math.max(MIN_BAR_WIDTH, Math.min(BAR_WIDTH, width - 1 - others.length));
  const filled = Math.round(share * length);
  const bar = color.green('━'.repeat(filled)) + color.dim('━'.repeat(length - filled));
  return [
    `${color.bold(status.experiment_id)} ${bar} ${percent}  ${runs}`,
    ...factsLine(facts(view, color), color, width),
    ...batchesLine(status, color, width),
    ...objectiveLines(status, color, width),
    ...sameErrorLine(status, color, width),
    ...stateLines(view, color, width),
  ];
}

/** The same as one plain line, for logs and pipes. */
export function progressText(view: ProgressView): string {
  const plain: Colors = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };
  const batches = formatBatches(view.status.batches);
  const words = [formatRuns(view.status), ...facts(view, plain)].join(', ');
  const more = [
    batches,
    formatBest(view.status),
    formatSameError(view.status),
    formatSilence(view.silentMs) ?? formatLost(view.status),
    formatStatus(view.status),
  ].filter(Boolean);
  return [`${view.status.experiment_id}: ${words}`, ...more].join('; ');
}

const same = (text: string) => text;

const done = ({ success, failed, cancelled }: SweepStatus) => success + failed + cancelled;

const formatRuns = (status: SweepStatus) => `${formatCount(done(status))}/${formatCount(status.total)} runs`;

/** `12,345 runs/s`, `45.6 runs/s`, `0.520 runs/s`, `7.50 runs/h` */
function formatRate(perSecond: number): string {
  if (perSecond >= 100) return `${formatCount(Math.round(perSecond))} runs/s`;
  if (perSecond >= 0.1) return `${perSecond.toPrecision(3)} runs/s`;
  return `${(perSecond * 3600).toPrecision(3)} runs/h`;
}

/** The most urgent first; the rest is left out if it does not fit. */
function facts({ status, perSecond, elapsedMs }: ProgressView, color: Colors): string[] {
  const left = status.pending + status.running;
  return [
    ...(perSecond === undefined ? [] : [formatRate(perSecond)]),
    ...(perSecond === undefined || left === 0 ? [] : [`${formatDuration((left * 1000) / perSecond)} left`]),
    ...(perSecond === undefined && elapsedMs >= 1000 ? [`${formatDuration(elapsedMs)} elapsed`] : []),
    ...(status.failed > 0 ? [color.red(`${formatCount(status.failed)} failed`)] : []),
    ...(status.cancelled > 0 ? [color.yellow(`${formatCount(status.cancelled)} cancelled`)] : []),
    ...(status.reused > 0 ? [`${formatCount(status.reused)} reused`] : []),
  ];
}

function factsLine(words: readonly string[], color: Colors, width: number): string[] {
  const fitting = firstThatFit(words, width - 3);
  return fitting.length > 0 ? [`  ${fitting.join(color.dim(' · '))}`] : [];
}

function batchesLine({ batches }: SweepStatus, color: Colors, width: number): string[] {
  const words = formatBatches(batches);
  if (words === undefined) return [];
  const cut = words.length > width - 3 ? `${words.slice(0, width - 4)}…` : words;
  return [`  ${color.dim(cut)}`];
}

/** With an objective, the best run: means over all runs of a search say little. */
function objectiveLines(status: SweepStatus, color: Colors, width: number): string[] {
  if (!status.objective) return meansLine(status, color, width);
  const words = formatBest(status);
  return words === undefined ? [] : [`  ${shorten(words, width - 3)}`];
}

function sameErrorLine(status: SweepStatus, color: Colors, width: number): string[] {
  const words = formatSameError(status);
  return words === undefined ? [] : [`  ${color.red(shorten(words, width - 3))}`];
}

function meansLine(status: SweepStatus, color: Colors, width: number): string[] {
  const means = Object.entries(status.means).map(([metric, { n, mean, m2 }]) => {
    const std = n > 1 ? ` ± ${formatNumber(Number(Math.sqrt(m2 / (n - 1)).toPrecision(2)))}` : '';
    return `${metric} ${formatNumber(mean)}${std}`;
  });
  const shown = firstThatFit(means, width - 8);
  return shown.length > 0 ? [`  ${color.dim('mean')} ${shown.join(color.dim(' · '))}`] : [];
}

/** Wraps words into lines: a line that the terminal itself wraps is not removed on redraw. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.trim().split(/ +/)) {
      if (line !== '' && line.length + 1 + word.length > width - 3) {
        lines.push(`  ${line}`);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(`  ${line}`);
  }
  return lines;
}

/** As many words from the start as fit into a line, joined by ` · `. */
function firstThatFit(words: readonly string[], width: number): readonly string[] {
  for (let count = words.length; count > 0; count--) {
    const first = words.slice(0, count);
    if (stripVTControlCharacters(first.join(' · ')).length <= width) return first;
  }
  return [];
}

function stateLines({ status, silentMs }: ProgressView, color: Colors, width: number): string[] {
  const silence = formatSilence(silentMs);
  if (silence) return wrapped(silence, width).map(color.yellow);
  const { state, long_running, batches } = status;
  if (state === 'queued') return wrapped(formatStatus(status) ?? state, width).map(color.dim);
  if (state === 'waiting' || state === 'paused' || state === 'cancelling')
    return wrapped(formatStatus(status) ?? state, width).map(color.yellow);
  const lost = formatLost(status);
  if (lost) return wrapped(lost, width).map(color.yellow);
  const known = long_running.flatMap((run) =>
    run.progress === null ? [] : [`${Math.round(run.progress * 100)} %`],
  );
  if (known.length > 0) return [`  ${color.dim('runs in progress at')} ${known.join(', ')}`];
  const waits = batches.find((batch) => batch.waits)?.waits?.split('\n', 1)[0];
  return waits ? [`  ${color.dim(waits)}`] : [];
}
