import type { SubmissionStatus } from '../contract/workflow.js';
import type { RunDigest } from '../definition/run-digest.js';
import type { RunningMeans } from '../definition/running-mean.js';

/** Markdown for the Temporal UI's "current details": the sweep's progress, as a table. */
export function describeSweep(
  experimentId: string,
  phase: string,
  { reason, total, reused, success, failed, cancelled, running, means, digest }: SubmissionStatus,
  queued: number,
): string {
  const pending = Math.max(0, total - reused - success - failed - cancelled - running);
  const lines = [
    `**${experimentId}**: ${phase}${reason ? ` (${reason})` : ''}`,
    '',
    '| total | reused | success | failed | cancelled | running | pending |',
    '|---:|---:|---:|---:|---:|---:|---:|',
    `| ${total} | ${reused} | ${success} | ${failed} | ${cancelled} | ${running} | ${pending} |`,
    ...describeMeans(means),
    ...describeDigest(digest, failed),
  ];
  if (queued > 0) lines.push('', `${queued} more submission${queued > 1 ? 's' : ''} queued`);
  return lines.join('\n');
}

function describeDigest({ best, error }: RunDigest = {}, failed: number): string[] {
  return [
    ...(best ? ['', `best: ${best.value} (${best.direction}), cell ${best.index}`] : []),
    ...(error && error.message !== null && failed > 1 ? ['', `all failures: ${error.message}`] : []),
  ];
}

function describeMeans(means: RunningMeans): string[] {
  const rows = Object.entries(means).map(([metric, { n, mean, m2 }]) => {
    const std = n > 1 ? Math.sqrt(m2 / (n - 1)) : 0;
    return `| ${metric} | ${Number(mean.toPrecision(6))} | ${Number(std.toPrecision(3))} | ${n} |`;
  });
  return rows.length > 0 ? ['', '| metric | mean | std | n |', '|---|---:|---:|---:|', ...rows] : [];
}
