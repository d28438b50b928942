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
