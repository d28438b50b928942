import type { RunHandle } from '../../client/run-handle.js';
import { executesAs } from '../../client/submit/submitted-environment.js';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { CommandContext } from '../command.js';

/** Reports that a submit joined a running submission, and where that runs, if it differs from what was asked. */
export function printJoined(
  { experimentId, submission, environment }: RunHandle,
  asked: ResolvedEnvironment,
  { note, color, command }: CommandContext,
): void {
  note(`the same definition is already running: joined submission ${submission}`);
  if (executesAs(environment, asked)) return;
  const difference =
    environment.name === asked.name
      ? `it runs on '${environment.name}' as configured when it was submitted, not as configured now`
      : `it runs on '${environment.name}', not on '${asked.name}'`;
  note(color.yellow(`  ${difference}`));
  note(
    `  to have it as asked here: ${command(`cancel ${experimentId}`)}, then submit again; what is done is reused`,
  );
}

/** Reports where a retry's runs execute, if a submit here would choose another environment. */
export function printKept(
  { environment }: RunHandle,
  chosen: ResolvedEnvironment,
  { note }: CommandContext,
): void {
  if (executesAs(environment, chosen)) return;
  const { name } = environment;
  const instead = name === chosen.name ? 'takes it as it is configured now' : 'runs them there';
  note(`on '${name}', as it was configured at the last submit; --env ${chosen.name} ${instead}`);
}
