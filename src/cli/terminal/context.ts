import { once } from 'node:events';
import pc from 'picocolors';
import { DEFAULT_STORE } from '../../config/paths.js';
import type { ResolvedEnvironment } from '../../config/resolved-config.js';
import type { OpenOptions } from '../../storage/file/open.js';
import type { Store } from '../../storage/store.js';
import type { Colors, CommandContext } from '../command.js';
import { EXIT } from '../format/report-error.js';
import { shellWords } from './invocation.js';
import { LiveArea } from './live-area.js';

/** The streams that a command writes to, and the parts of the process that it sees. */
export interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

/** The options that every command with a store has. */
export interface Choice {
  readonly store?: string;
  readonly env?: string;
}

/**
 * Makes a command's context; `close` closes what the command opened.
 *
 * @param choice undefined if the command has no store
 * @param named rewrites the commands in a text to how the user called metalab
 */
export async function createContext(
  choice: Choice | undefined,
  terminal: Terminal = process,
  named: (text: string) => string = (text) => text,
): Promise<CommandContext & { close(): void }> {
  const { stdout, stderr, env } = terminal;
  let resolved: Promise<ResolvedEnvironment> | undefined;
  const environment = () => {
    resolved ??= import('../../config/resolve-config.js').then(
      async ({ resolveConfig }) => (await resolveConfig(choice?.env, { variables: env })).environment,
    );
    return resolved;
  };
  if (choice?.env !== undefined) await environment();
  const namedStore = choice?.store ?? env.METALAB_STORE;
  // The configuration is read for the store only if no store is named: an error in it must not block other commands.
  const storeLocation = namedStore || ((choice && (await environment()).store) ?? DEFAULT_STORE);
  const location = async () => {
    const { isDiscover } = await import('../../client/open-location.js');
    if (!isDiscover(storeLocation)) return storeLocation;
    const { discoverStore } = await import('../../client/services/discover-store.js');
    return discoverStore(await environment());
  };
  const live = new LiveArea(stderr);
  let opened: Promise<Store> | undefined;
  const open = (options?: OpenOptions) => {
    opened ??= import('../../client/open-location.js').then(async ({ openLocation }) =>
      openLocation(await location(), options),
    );
    return opened;
  };
  let interruption: AbortController | undefined;
  const interrupt = () => {
    if (interruption?.signal.aborted) process.exit(EXIT.detached);
    interruption?.abort();
  };
  return {
    storeLocation,
    location,
    namedEnvironment: choice?.env,
    environment,
    async store({ needs = 'working directory', ...options } = {}) {
      const store = await open(options);
      return (await import('../../storage/capabilities.js')).requireFileStore(store, needs);
    },
    async resultsStore() {
      return (await import('../../storage/capabilities.js')).requireResults(await open());
    },
    command: (words) => `${named(`metalab ${words}`)}${flagsOf(choice)}`,
    named,
    out: (text) => void stdout.write(`${text}\n`),
    async write(chunk) {
      if (!stdout.write(chunk)) await once(stdout, 'drain');
    },
    note: (text) => live.above(`${named(text)}\n`),
    live,
    color: colorsFor(stdout, env),
    width: stdout.isTTY ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY,
    interactive: stdout.isTTY === true,
    // Listens only if a command asks for it: otherwise Ctrl-C ends the process as usual.
    get interrupted() {
      if (!interruption) {
        interruption = new AbortController();
        // Not `once`: the code that restores the cursor kills the process if it finds no other listener.
        process.on('SIGINT', interrupt);
      }
      return interruption.signal;
    },
    close() {
      process.removeListener('SIGINT', interrupt);
    },
  };
}

function flagsOf({ store, env }: Choice = {}): string {
  return `${store === undefined ? '' : ` --store ${shellWords([store])}`}${env === undefined ? '' : ` --env ${shellWords([env])}`}`;
}

/** Colours if the stream is a terminal or FORCE_COLOR is set; never with NO_COLOR. */
export function colorsFor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Colors {
  const wanted = !env.NO_COLOR && env.TERM !== 'dumb' && (stream.isTTY === true || Boolean(env.FORCE_COLOR));
  return pc.createColors(wanted);
}
