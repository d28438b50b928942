import { statSync } from 'node:fs';
import { type Environment, stateFolder } from '../access/own-folders.js';
import { isAlive, type ProcessState, readServer, readWorkers } from './state.js';

/** Which parts of the engine are running, as plain data: `metalab engine status --json`. */
export interface EngineStatus {
  readonly state_folder: string;
  readonly server: ServerStatus | null;
  readonly workers: readonly WorkerStatus[];
}

export interface ServerStatus {
  readonly address: string;
  readonly namespace: string;
  readonly ui_address: string;
  readonly pid: number;
  readonly started_at: string;
  readonly uptime_ms: number;
  readonly db_file: string;
  readonly db_bytes: number;
  readonly log_file: string | null;
  readonly search_attributes: boolean;
}

export interface WorkerStatus {
  readonly pid: number;
  readonly address: string;
  readonly namespace: string;
  readonly build: string;
  readonly slots: number;
  readonly background: boolean;
  readonly started_at: string;
  readonly uptime_ms: number;
  readonly log_file: string | null;
}

/** Reads what is registered and checks whether it is alive; connects to nothing and starts nothing. */
export function engineStatus(env: Environment = process.env): EngineStatus {
  const home = stateFolder(env);
  return {
    state_folder: home,
    server: serverStatus(home),
    workers: readWorkers(home).filter(isAlive).map(workerStatus),
  };
}

function serverStatus(home: string): ServerStatus | null {
  const state = readServer(home);
  if (!state?.ready || !isAlive(state)) return null;
  const { address, namespace, pid, started_at, db_file, log_file, search_attributes } = state;
  const ui_address = `http://127.0.0.1:${state.ui_port}`;
  const db_bytes = [db_file, `${db_file}-wal`]
    .map((file) => statSync(file, { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
  const uptime_ms = uptimeOf(state);
  return {
    address,
    namespace,
    ui_address,
    pid,
    started_at,
    uptime_ms,
    db_file,
    db_bytes,
    log_file,
    search_attributes,
  };
}

const workerStatus = (state: ReturnType<typeof readWorkers>[number]): WorkerStatus => {
  const { pid, address, namespace, build, slots, background, started_at, log_file } = state;
  return {
    pid,
    address,
    namespace,
    build,
    slots,
    background,
    started_at,
    uptime_ms: uptimeOf(state),
    log_file,
  };
};

const uptimeOf = (state: ProcessState) => Date.now() - Date.parse(state.started_at);
