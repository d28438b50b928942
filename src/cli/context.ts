import { once } from 'node:events';
import pc from 'picocolors';
import type { Store } from '../storage/store.js';
import type { Colors, CommandContext } from './command.js';
import { EXIT } from './report-error.js';

/** Where a command's output goes, and what it sees of the process. */
export interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: NodeJS.ProcessEnv;
}

export const DEFAULT_STORE = './experiments';

/** Makes a command's context; `close` closes what the command opened. */
export function createContext(
  store: string | undefined,
  terminal: Terminal = process,
): CommandContext & { close(): Promise<void> } {
  const { stdout, stderr, env } = terminal;
  const storeLocation = store ?? (env.METALAB_STORE || DEFAULT_STORE);
  let opened: Promise<Store> | undefined;
  let interruption: AbortController | undefined;
  const interrupt = () => {
    if (interruption?.signal.aborted) process.exit(EXIT.detached);
    interruption?.abort();
  };
  return {
    storeLocation,
    store(options) {
      opened ??= import('../storage/registry.js').then(({ openStore }) => openStore(storeLocation, options));
      return opened;
    },
    out: (text) => void stdout.write(`${text}\n`),
    async write(chunk) {
      if (!stdout.write(chunk)) await once(stdout, 'drain');
    },
    note: (text) => void stderr.write(`${text}\n`),
    color: colorsFor(stdout, env),
    width: stdout.isTTY ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY,
    interactive: stdout.isTTY === true,
    // Listened for only where a command asks: otherwise Ctrl-C ends the process as everywhere.
    get interrupted() {
      if (!interruption) {
        interruption = new AbortController();
        // Not `once`: who restores the cursor kills the process where it finds no other listener.
        process.on('SIGINT', interrupt);
      }
      return interruption.signal;
    },
    async close() {
      process.removeListener('SIGINT', interrupt);
      await (await opened?.catch(() => undefined))?.close();
    },
  };
}

/** Colours where the stream is a terminal, or FORCE_COLOR asks for them; never with NO_COLOR. */
export function colorsFor(stream: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Colors {
  const wanted = !env.NO_COLOR && env.TERM !== 'dumb' && (stream.isTTY === true || Boolean(env.FORCE_COLOR));
  return pc.createColors(wanted);
}
