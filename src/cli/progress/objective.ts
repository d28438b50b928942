import type { SweepStatus } from '../../client/status/sweep-status.js';
import { formatCount } from '../../definition/format-count.js';
import { formatNumber } from '../format/format-number.js';

type Shown = Pick<
  SweepStatus,
  'objective' | 'best' | 'means' | 'same_error' | 'state' | 'reused' | 'success'
>;

/** `best loss 0.031 (lr=0.01, layers=2)`; undefined if the experiment has no objective, or nothing is known. */
export function formatBest({ objective, best, means, state, success, reused }: Shown): string | undefined {
  if (!objective) return undefined;
  if (best) {
    const params = Object.entries(best.params).map(([name, value]) => `${name}=${formatValue(value)}`);
    const replicate = best.replicate > 0 ? [`replicate ${best.replicate}`] : [];
    // Runs of earlier submissions are not considered here; results --best considers them.
    const which = reused > 0 ? 'best new' : 'best';
    return `${which} ${best.metric} ${formatNumber(best.value)} (${[...params, ...replicate].join(', ')})`;
  }
  const none = `no run has the metric '${objective.metric}'`;
  if (OVER.includes(state)) return success > reused ? none : undefined;
  const captured = Object.keys(means);
  return captured.length === 0 ? undefined : `${none} yet; they have ${captured.join(', ')}`;
}

/** Undefined if not all runs so far failed with the same error. */
export function formatSameError({ same_error: same, state }: Shown): string | undefined {
  if (!same) return undefined;
  const soFar = OVER.includes(state) ? '' : ' so far';
  return `all ${formatCount(same.runs)} runs${soFar} failed with the same error: ${same.message}`;
}

const OVER: readonly string[] = ['completed', 'cancelled', 'failed', 'interrupted'];

const formatValue = (value: unknown) =>
  typeof value === 'number' ? formatNumber(value) : typeof value === 'string' ? value : JSON.stringify(value);
