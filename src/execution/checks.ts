import { availableParallelism } from 'node:os';
import type { LocalEnvironment, ResolvedEnvironment } from '../config/resolved-config.js';
import type { Prompter } from '../transport/prompter.js';
import { openCluster } from './open-cluster.js';

/** The result of one check of `metalab env check`. */
export interface EnvironmentCheck {
  readonly name: string;
  /** `warn`: a problem that does not prevent a submit. */
  readonly ok: boolean | 'warn';
  readonly detail: string;
  /** How to fix it, if it is not ok. */
  readonly next?: string;
}

type CheckEnvironment = (
  environment: ResolvedEnvironment,
  prompter: Prompter | undefined,
) => AsyncIterable<EnvironmentCheck>;

/** The check for each environment type. */
const CHECKS: { readonly [type: string]: () => Promise<CheckEnvironment> } = {
  local: async () => checkLocal as CheckEnvironment,
  slurm: async () => {
    const { checkSlurm } = await import('./slurm/check.js');
    return async function* (environment, prompter) {
      const cluster = await openCluster(environment, prompter);
      try {
        yield* checkSlurm(cluster.environment, cluster.transport);
      } finally {
        await cluster.transport.close();
      }
    };
  },
};

/**
 * Checks where an environment's runs are executed, one item after another.
 *
 * @param prompter asked if a login needs a person
 */
export async function* checkPlace(
  environment: ResolvedEnvironment,
  prompter?: Prompter,
): AsyncGenerator<EnvironmentCheck, void> {
  const { type } = environment;
  const load = Object.hasOwn(CHECKS, type) ? CHECKS[type] : undefined;
  if (load) yield* (await load())(environment, prompter);
  else yield { name: 'place', ok: 'warn', detail: `not checked: there are no checks for the type '${type}'` };
}

async function* checkLocal({ executor }: LocalEnvironment): AsyncGenerator<EnvironmentCheck, void> {
  const cores = availableParallelism();
  const { slots = cores } = executor;
  const detail = `${slots} slots on ${cores} cores`;
  if (slots <= cores) yield { name: 'slots', ok: true, detail };
  else yield { name: 'slots', ok: 'warn', detail, next: `lower executor.slots, unless runs mostly wait` };
}
