import type { Problem } from './errors.js';

/** What every run sees of the environment, beside what the experiment names in `env`. */
const ALWAYS = ['PATH', 'HOME', 'LANG', 'TMPDIR'];

/**
 * The environment that runs see, and nothing else of it: what is not named can't change a result unseen.
 *
 * @param names the experiment's `env`
 */
export function pickEnvironment(
  environment: { readonly [name: string]: string | undefined },
  names: readonly string[],
): Record<string, string> {
  const entries = [...ALWAYS, ...names].map((name) => [name, environment[name]] as const);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** A problem for each variable of the experiment's `env` that is not set: its runs would see no value. */
export const unsetVariables = (
  environment: { readonly [name: string]: string | undefined },
  names: readonly string[],
): Problem[] =>
  names
    .filter((name) => environment[name] === undefined)
    .map((name) => ({
      where: 'env',
      what: `the environment variable ${name} is not set`,
      expected: 'a value, since runs are to see it',
      next: `export ${name}=… and submit again, or take it out of env`,
    }));
