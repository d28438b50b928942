import type { RunHandle } from '../../client/run-handle.js';
import { executesAs } from '../../client/submit/submitted-environment.js';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { CommandContext } from '../command.js';

/** Says that a submit joined what runs already, and that this runs elsewhere, where it does. */
export function tellJoined(
  { experimentId, submission, environment }: RunHandle,
  asked: ResolvedEnvironment,
  { note, color, command }: CommandContext,
): void {
  note(`the same definition is being run already: joined submission ${submission}`);
  if (executesAs(environment, asked)) return;
  const difference =
    environment.name === asked.name
      ? `it runs on '${environment.name}' as that was configured when it was submitted, not as it is now`
      : `it runs on '${environment.name}', not on '${asked.name}'`;
  note(color.yellow(`  ${difference}`));
  note(
    `  to have it as asked here: ${command(`cancel ${experimentId}`)}, then submit again; what is done is reused`,
  );
}

/** Says of a retry where its runs go, where that is not what a submit here would choose. */
export function tellKept(
  { environment }: RunHandle,
  chosen: ResolvedEnvironment,
  { note }: CommandContext,
): void {
  if (executesAs(environment, chosen)) return;
  const { name } = environment;
  const instead = name === chosen.name ? 'takes it as it is configured now' : 'runs them there';
  note(`on '${name}', as it was configured at the last submit; --env ${chosen.name} ${instead}`);
}
