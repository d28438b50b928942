import type { RunHandle } from '../../client/run-handle.js';
import { readFailedDerivations } from '../../client/status/failed-derivations.js';
import { readRunWarnings } from '../../client/status/run-warnings.js';
import type { CommandContext, CommonOptions } from '../command.js';
import { EXIT } from '../format/report-error.js';
import { follow } from '../progress/follow.js';
import { formatStatus } from '../progress/status.js';
import { exitCodeOf, printFindings, printOutcome } from './report-outcome.js';

/** A waiting sweep tries again after at most a minute, so a reason that lasts longer is not stale. */
const TRIED_AGAIN_WITHIN_MS = 90_000;

/** The output of `--detach`. */
export function printSubmitted(handle: RunHandle, options: CommonOptions, context: CommandContext): number {
  const { experimentId, submission } = handle;
  if (options.json) context.out(JSON.stringify(handleJson(handle)));
  else
    context.out(
      `submitted ${experimentId} (${submission}); ${context.command(`status ${experimentId}`)} shows its status`,
    );
  return EXIT.success;
}

/** Follows a submission to its outcome, or until Ctrl-C detaches, or it waits or is paused. @returns the exit code */
export async function followToOutcome(
  handle: RunHandle,
  options: CommonOptions,
  context: CommandContext,
): Promise<number> {
  const { interrupted, live } = context;
  // What a sweep waited for may have been fixed since.
  const waitsMs = handle.joined ? TRIED_AGAIN_WITHIN_MS : 0;
  const followed = await follow(handle, { interrupted, live, waitsMs });
  const { experimentId } = handle;
  switch (followed.how) {
    case 'detached':
      if (options.json) context.out(JSON.stringify(handleJson(handle)));
      context.note(`detached: the runs of ${experimentId} continue`);
      context.note(
        `  ${context.command(`attach ${experimentId}`)} follows them again, ${context.command(`cancel ${experimentId}`)} ends them`,
      );
      return EXIT.detached;
    case 'idle': {
      const { state, reason } = followed.status;
      if (options.json) context.out(JSON.stringify({ ...handleJson(handle), [state]: reason }));
      context.note(context.color.yellow(formatStatus(followed.status) ?? state));
      context.note(`  nothing recorded is lost; ${GOES_ON[state](experimentId, context.command)}`);
      return EXIT.infrastructure;
    }
    case 'outcome':
      printOutcome(handle, followed.outcome, options, context);
      if (!options.json) printFindings(await handle.status(), context);
      if (followed.outcome.executed > 0) {
        await printRunWarnings(handle, context);
        await printFailedDerivations(handle, context);
      }
      return exitCodeOf(followed.outcome);
  }
}

const MAX_WARNINGS = 3;

async function printRunWarnings(handle: RunHandle, { note, color }: CommandContext): Promise<void> {
  const { runs, counts } = await readRunWarnings(handle);
  for (const [warning, n] of [...counts].slice(0, MAX_WARNINGS))
    note(`${color.yellow('warning:')} ${n} of ${runs} runs: ${warning}`);
}

async function printFailedDerivations(handle: RunHandle, { note, color }: CommandContext): Promise<void> {
  const failed = await readFailedDerivations(handle);
  for (const { derivation, message, runs, run_id } of failed.slice(0, MAX_WARNINGS))
    note(
      `${color.yellow('warning:')} derived metrics ${derivation} failed for ${runs} ${runs === 1 ? 'run' : 'runs'}, such as ${run_id.slice(0, 8)}: ${message}`,
    );
  if (failed.length > 0) note('  `metalab derive FILE` computes them once that is mended');
}

const GOES_ON = {
  waiting: (experiment: string, command: CommandContext['command']) =>
    `it continues by itself once that is fixed: ${command(`status ${experiment}`)} shows it, ${command(`attach ${experiment}`)} follows it`,
  paused: (experiment: string, command: CommandContext['command']) =>
    `${command(`resume ${experiment}`)} continues it`,
};

/** The last line of `--json` if there is no outcome. */
const handleJson = ({ experimentId, workflowId, submission, store, environment }: RunHandle) => ({
  experiment: experimentId,
  workflow_id: workflowId,
  submission,
  store,
  environment: environment.name,
});
