import type { RetryOptions } from '../../client/run-handle.js';
import { planRetry } from '../../client/submit/retry.js';
import type { SweepStore } from '../../storage/sweep-store.js';
import type { CommandContext, CommonOptions } from '../command.js';

/** Reports that a retry would execute no runs; then nothing is submitted. @returns whether it would execute none */
export async function nothingToRetry(
  store: SweepStore,
  experiment: string,
  retry: RetryOptions,
  { json }: CommonOptions,
  { out }: CommandContext,
): Promise<boolean> {
  const { total, positions, reused } = await planRetry(store, experiment, retry);
  if (positions > 0) return false;
  const { success, failed, cancelled } = reused;
  if (json)
    out(JSON.stringify({ experiment, total, executed: 0, success, failed, cancelled, store: store.uri }));
  else out(`${experiment}: nothing to retry: ${why(total, reused, retry)}`);
  return true;
}

function why(
  total: number,
  { success, failed, cancelled }: Counts,
  { failed: onlyFailed }: RetryOptions,
): string {
  if (success === total) return `all ${total} runs are success`;
  const others = [
    ...(cancelled > 0 ? [`${cancelled} cancelled`] : []),
    ...(total - success - failed - cancelled > 0 ? [`${total - success - failed - cancelled} not done`] : []),
  ];
  const rest = others.length > 0 ? `; ${others.join(', ')}, which retry without --failed does` : '';
  return onlyFailed ? `no run of ${total} failed${rest}` : `no run of ${total} is left to execute`;
}

type Counts = Awaited<ReturnType<typeof planRetry>>['reused'];
