import { type Environment, stateFolder } from '../../access/own-folders.js';
import { InfrastructureError } from '../../definition/errors.js';
import { withLock } from '../lock.mjs';
import { isAlive, isElsewhere, readServer, type ServerState } from '../state.js';
import { lockFolder, makeStateFolder, serverFile } from '../state-folder.js';
import { finishServer, startServer } from './server-start.js';

export interface EngineOptions {
  readonly env?: Environment;
  /** Called with one line about each long step. */
  readonly say?: (line: string) => void;
}

/** The engine's Temporal server: this user's, on this machine. */
export interface ServerInfo {
  readonly address: string;
  readonly namespace: string;
  readonly uiAddress: string;
  readonly pid: number;
  readonly logFile: string;
  readonly searchAttributes: boolean;
  /** Whether this call started it. */
  readonly started: boolean;
}

/** The engine's server if it is running, without starting anything. Reads one file: well under a millisecond. */
export function runningServer(env: Environment = process.env): ServerInfo | undefined {
  const state = readServer(stateFolder(env));
  return state?.ready && isAlive(state) ? describeServer(state, false) : undefined;
}

/**
 * The engine's server, started if it isn't running. It outlives this process and its terminal. Any number of processes
 * may call this at the same time: only one server is started.
 *
 * @throws InfrastructureError METALAB_TEMPORAL_CLI, METALAB_PORT, METALAB_ENGINE_ELSEWHERE, or METALAB_SERVER_START if
 *   the server exits or doesn't answer within two minutes, with the end of its log
 */
export async function ensureServer(options: EngineOptions = {}): Promise<ServerInfo> {
  const { env = process.env, say = () => {} } = options;
  const running = runningServer(env);
  if (running) return running;
  const home = makeStateFolder(env);
  return withLock(lockFolder(home), async () => {
    const state = readServer(home);
    if (state && isElsewhere(state)) throw elsewhere(home, state);
    if (!state || !isAlive(state)) return describeServer(await startServer(home, env, say), true);
    return state.ready ? describeServer(state, false) : describeServer(await finishServer(home, state), true);
  });
}

const describeServer = (state: ServerState, started: boolean): ServerInfo => ({
  address: state.address,
  namespace: state.namespace,
  uiAddress: `http://127.0.0.1:${state.ui_port}`,
  pid: state.pid,
  logFile: state.log_file ?? '',
  searchAttributes: state.search_attributes,
  started,
});

// Two servers on one database would corrupt it, and a home folder may be shared by many machines.
const elsewhere = (home: string, state: ServerState) =>
  new InfrastructureError({
    code: 'METALAB_ENGINE_ELSEWHERE',
    where: serverFile(home),
    what: `an engine with this state folder was started on ${state.host} at ${state.started_at}`,
    next: `run \`metalab engine stop\` on ${state.host}, or give this machine a state folder of its own with METALAB_HOME; if ${state.host} is gone, remove ${serverFile(home)}`,
  });
