import { readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { namesIn } from '../access/names-in.js';
import { replaceFile } from '../access/replace-file.js';
import { processStart } from './process-start.mjs';
import { refuseOpenHome, serverFile, workersFolder } from './state-folder.js';

/** A process that metalab registered, with what shows whether it is still the same process. */
export interface ProcessState {
  readonly pid: number;
  /** As the system prints it; see processStart. The pid alone may belong to another process by now. */
  readonly start_time: string;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly started_at: string;
  /** null: it writes to its terminal. */
  readonly log_file: string | null;
}

export interface ServerState extends ProcessState {
  readonly address: string;
  readonly namespace: string;
  readonly port: number;
  readonly ui_port: number;
  readonly db_file: string;
  readonly command: string;
  /** False: the process that started it was killed before it answered. */
  readonly ready: boolean;
  readonly search_attributes: boolean;
}

export interface WorkerState extends ProcessState {
  readonly address: string;
  readonly namespace: string;
  /** Names the key whose requests it accepts: see `RequestKey`. Missing in workers of versions that did not sign. */
  readonly task_queue?: string;
  /** See readBuild. */
  readonly build: string;
  readonly slots: number;
  /** Started by `submit` or `engine start`; false: in somebody's terminal. */
  readonly background: boolean;
  /** How long it may take to hand back its ranges after SIGTERM, milliseconds. */
  readonly grace_ms: number;
}

/** What identifies a process on this machine, for registering it. */
export function identify(pid: number): Pick<ProcessState, 'pid' | 'start_time' | 'host' | 'started_at'> {
  const started_at = new Date().toISOString();
  return { pid, start_time: processStart(pid) ?? 'ended', host: hostname(), started_at };
}

export function isAlive(state: Pick<ProcessState, 'pid' | 'start_time'>): boolean {
  return processStart(state.pid) === state.start_time;
}

/**
 * Registered on another machine that shares this home folder, as a cluster's login nodes do: nothing is known of its
 * process from here. Not on macOS, where a machine's name changes with its network.
 */
export const isElsewhere = (state: ProcessState) =>
  process.platform === 'linux' && state.host !== hostname() && !isAlive(state);

export function readServer(home: string): ServerState | undefined {
  refuseOpenHome(home);
  const state = readJson(serverFile(home));
  return isProcessState(state) ? (state as ServerState) : undefined;
}

export const writeServer = (home: string, state: ServerState) => writeJson(serverFile(home), state);
export const removeServer = (home: string) => rmSync(serverFile(home), { force: true });

/** Every registered worker, including dead ones, but not those of other machines that share the folder. */
export function readWorkers(home: string): WorkerState[] {
  refuseOpenHome(home);
  return namesIn(workersFolder(home))
    .filter((name) => name.endsWith('.json'))
    .map((name) => readJson(join(workersFolder(home), name)))
    .filter((state): state is WorkerState => isProcessState(state) && !isElsewhere(state));
}

export const writeWorker = (home: string, state: WorkerState) => writeJson(workerFile(home, state), state);
export const removeWorker = (home: string, state: Pick<ProcessState, 'pid' | 'host'>) =>
  rmSync(workerFile(home, state), { force: true });

const workerFile = (home: string, { pid, host }: Pick<ProcessState, 'pid' | 'host'>) =>
  join(workersFolder(home), `${host}-${pid}.json`);

export const writeJson = (path: string, value: unknown): void =>
  replaceFile(path, `${JSON.stringify(value, null, 2)}\n`);

/** A JSON file's value; undefined if there is none, or if it is not JSON. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

const isProcessState = (value: unknown): value is ProcessState =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  Number.isInteger(value.pid) &&
  'start_time' in value &&
  typeof value.start_time === 'string' &&
  'host' in value;
