import { withLock } from './lock.mjs';
import type { EngineOptions } from './server/server.js';
import { endProcess } from './signals.js';
import { isAlive, isElsewhere, readServer, readWorkers, removeServer } from './state.js';
import { lockFolder, makeStateFolder } from './state-folder.js';
import { endWorker } from './worker/worker-process.js';

/** The server checkpoints the database when it exits. */
const SERVER_GRACE_MS = 15_000;

export interface Stopped {
  /** How each worker ended, and the server; none if it was not running. */
  readonly workers: readonly { readonly pid: number; readonly how: 'gone' | 'ended' | 'killed' }[];
  readonly server: { readonly pid: number; readonly how: 'gone' | 'ended' | 'killed' } | null;
  /** Workers in somebody's terminal, whose user has to stop them. */
  readonly foreground: readonly number[];
}

/**
 * Stops the background workers, which hand back their runs, and then the engine's server. No finished run is lost, and
 * the rest continues at the next `submit`. Never touches a user-provided server.
 */
export async function stopEngine({
  env = process.env,
  say = () => {},
}: EngineOptions = {}): Promise<Stopped> {
  const home = makeStateFolder(env);
  return withLock(lockFolder(home), async () => {
    const alive = readWorkers(home).filter(isAlive);
    const background = alive.filter((state) => state.background);
    if (background.length > 0) say('stopping the worker, which hands back its runs …');
    const workers = await Promise.all(
      background.map(async (state) => ({ pid: state.pid, how: await endWorker(home, state) })),
    );
    const foreground = alive.filter((state) => !state.background).map((state) => state.pid);
    return { workers, server: await stopServer(home), foreground };
  });
}

async function stopServer(home: string): Promise<Stopped['server']> {
  const state = readServer(home);
  if (!state || isElsewhere(state)) return null;
  const how = await endProcess(state, SERVER_GRACE_MS);
  removeServer(home);
  return how === 'gone' ? null : { pid: state.pid, how };
}
