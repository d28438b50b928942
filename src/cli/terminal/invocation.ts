import { basename, delimiter, dirname, join, relative, sep } from 'node:path';
import { quoteForShell } from '../../transport/ssh/command-line.js';

/** The parts of the process that show how metalab was called. */
export interface Invocation {
  /** The script path as it was called, links not resolved: `process.argv[1]`. */
  readonly script: string | undefined;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** How the user called `metalab`, so that a hint can be copied: `metalab`, `npx metalab`, or a path. */
export function calledAs({ script, cwd, env }: Invocation): string {
  // `node bin/metalab.js`: the shell has an alias or a function that calls it.
  if (script === undefined || basename(script) !== 'metalab') return 'metalab';
  const folder = dirname(script);
  const isInstalled = folder.endsWith(join('node_modules', '.bin'));
  if (isInstalled && env.npm_config_user_agent) return `${runnerOf(env.npm_config_user_agent)} metalab`;
  if ((env.PATH ?? '').split(delimiter).includes(folder)) return 'metalab';
  const path = relative(cwd, script);
  return path.startsWith('..') ? script : path.includes(sep) ? path : `./${path}`;
}

/** npm and similar tools name themselves, e.g. `pnpm/9.1.0 npm/? node/v22.12.0 linux x64`. */
function runnerOf(userAgent: string): string {
  const name = userAgent.split('/')[0];
  if (name === 'pnpm') return 'pnpm exec';
  if (name === 'yarn') return 'yarn';
  return name === 'bun' ? 'bunx' : 'npx';
}

/**
 * Makes a function that replaces `metalab` in hints and errors with the command as the user called it. It also covers
 * texts from the store or a worker, which can't know the call.
 *
 * @param commands the names of metalab's commands: without one after it, `metalab` is only a name and stays
 */
export function commandNamer(commands: readonly string[], called: string): (text: string) => string {
  if (called === 'metalab') return (text) => text;
  const mention = new RegExp(
    String.raw`(?<![\w./@-])(?<!npx )metalab(?= (?:${commands.join('|')}|--help)(?![\w-]))`,
    'g',
  );
  return (text) => text.replace(mention, called);
}

/** Words for a shell, quoted if necessary. */
export const shellWords = (words: readonly string[]): string =>
  words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : quoteForShell(word))).join(' ');
