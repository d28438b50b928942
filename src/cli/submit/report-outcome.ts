import type { RunHandle } from '../../client/run-handle.js';
import type { SweepStatus } from '../../client/status/sweep-status.js';
import type { SubmissionOutcome } from '../../storage/manifest.js';
import type { CommandContext, CommonOptions } from '../command.js';
import { EXIT } from '../format/report-error.js';
import { formatBest, formatSameError } from '../progress/objective.js';

/** 0: all runs succeeded; 1: some failed, or it was cancelled; 3: it could not be carried out. */
export function exitCodeOf({ state, failed, cancelled }: SubmissionOutcome): number {
  if (state === 'failed') return EXIT.infrastructure;
  return state === 'cancelled' || failed > 0 || cancelled > 0 ? EXIT.failure : EXIT.success;
}

/** Prints the outcome in words, or as the last line of `--json`. */
export function printOutcome(
  handle: RunHandle,
  outcome: SubmissionOutcome,
  options: CommonOptions,
  context: CommandContext,
): void {
  if (options.json) context.out(JSON.stringify(outcomeJson(handle, outcome)));
  else printWords(handle, outcome, context);
}

/** Prints the error that all runs of an ended submission share, and the best run. */
export function printFindings(status: SweepStatus, { note, color }: CommandContext): void {
  const [error, best] = [formatSameError(status), formatBest(status)];
  if (error) note(`  ${color.red(error)}`);
  if (best) note(`  ${best}`);
}

/** Uses the names of the other output lines: `experiment`, as in `--json` without an outcome. */
function outcomeJson({ workflowId, store }: RunHandle, outcome: SubmissionOutcome) {
  const {
    experiment_id: experiment,
    submission,
    started_at: _,
    finished_at: _1,
    digest: _2,
    ...counts
  } = outcome;
  return { experiment, workflow_id: workflowId, submission, ...counts, store };
}

function printWords(
  { store }: RunHandle,
  outcome: SubmissionOutcome,
  { out, note, color, command }: CommandContext,
): void {
  const { experiment_id, total, reused, executed, success, failed, cancelled, missing, reason } = outcome;
  const good = exitCodeOf(outcome) === EXIT.success;
  const parts = [
    `${success} success`,
    ...(failed > 0 ? [color.red(`${failed} failed`)] : []),
    ...(cancelled > 0 ? [color.yellow(`${cancelled} cancelled`)] : []),
    ...(missing > 0 ? [color.yellow(`${missing} not done`)] : []),
  ];
  const what =
    executed === 0 && reused === total
      ? `everything reused, nothing executed`
      : `${executed} executed, ${reused} reused`;
  out(
    `${good ? color.green('✓') : color.red('✗')} ${color.bold(experiment_id)}: ${total} runs: ${parts.join(', ')}; ${what}`,
  );
  if (reason) note(`  ${reason}`);
  out(color.dim(`  results: ${command(`results ${experiment_id}`)}   store: ${store}`));
  if (failed > 0)
    out(`  failed runs: ${command(`results ${experiment_id} --where status=failed --columns run_id,error`)}`);
}
