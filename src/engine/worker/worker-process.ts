import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Environment, stateFolder } from '../../access/own-folders.js';
import { InfrastructureError } from '../../definition/errors.js';
import { packageFolder, readBuild } from '../build.js';
import { lastErrorLines, spawnDetached } from '../detached.js';
import { withLock } from '../lock.mjs';
import type { EngineOptions } from '../server/server.js';
import { endProcess } from '../signals.js';
import { identify, isAlive, readWorkers, removeWorker, type WorkerState } from '../state.js';
import { lockFolder, logsFolder, makeStateFolder } from '../state-folder.js';
import { LOG_VARIABLE } from './registration.js';

/** It takes 2 s on an idle machine, many times that on a busy one. A worker that has ended is noticed at once. */
const READY_WITHIN_MS = 120_000;
/** Added to the worker's own grace period, for ending slots and connections. */
const MARGIN_MS = 5_000;
const LOGS_KEPT = 5;

export interface WorkerRequest extends EngineOptions {
  readonly address: string;
  readonly namespace: string;
  /** See `RequestKey`: a worker with another one takes nothing that is submitted with this key. */
  readonly taskQueue: string;
  /** The minimum number; null: the worker's own default. */
  readonly slots: number | null;
  /** Accepts a live worker of any build, and does not replace it by one of this build. */
  readonly anyBuild?: boolean;
  /** Default: see readBuild. */
  readonly build?: string;
  /** What to start; default: this package's `bin/metalab.js` with this Node. */
  readonly program?: readonly [command: string, ...args: string[]];
}

export interface EnsuredWorker {
  readonly worker: WorkerState;
  /** Whether this call started it. */
  readonly started: boolean;
  /** Background workers of another build, or with too few slots, that were drained for it. */
  readonly replaced: readonly WorkerState[];
}

/**
 * A worker of this build on this machine for this server and namespace, started in the background if there is none. A
 * foreground worker of this build counts; one of another build is left alone. If there is nothing to do, it reads a few
 * small files: about a millisecond.
 *
 * @throws InfrastructureError (METALAB_WORKER_START) if the worker exits or doesn't poll within two minutes, with the end of
 *   its log
 */
export async function ensureWorker(request: WorkerRequest): Promise<EnsuredWorker> {
  const { env = process.env, build = readBuild() } = request;
  const running = suitable(stateFolder(env), request, build);
  if (running) return { worker: running, started: false, replaced: [] };
  const home = makeStateFolder(env);
  return withLock(lockFolder(home), async () => {
    const meanwhile = suitable(home, request, build);
    if (meanwhile) return { worker: meanwhile, started: false, replaced: [] };
    const replaced = await drainOthers(home, request, build);
    return { worker: await start(home, env, request), started: true, replaced };
  });
}

function suitable(home: string, request: WorkerRequest, build: string): WorkerState | undefined {
  const enough = (state: WorkerState) => !state.background || state.slots >= (request.slots ?? 0);
  return workersOf(home, request).find(
    (state) =>
      state.task_queue === request.taskQueue &&
      (request.anyBuild || (state.build === build && enough(state))),
  );
}

/**
 * Ends background workers that this build can't use. They hand back what they have not finished. Those with another key
 * stay.
 */
async function drainOthers(home: string, request: WorkerRequest, build: string): Promise<WorkerState[]> {
  const others = workersOf(home, request).filter(
    ({ background, task_queue = request.taskQueue }) => background && task_queue === request.taskQueue,
  );
  for (const state of others) {
    const why = state.build === build ? `has only ${state.slots} slots` : 'is of another build';
    request.say?.(`replacing the background worker (pid ${state.pid}), which ${why} …`);
    await endWorker(home, state);
  }
  return others;
}

/** Sends SIGTERM, and SIGKILL after the grace period; then unregisters it. */
export async function endWorker(home: string, state: WorkerState): Promise<'gone' | 'ended' | 'killed'> {
  const how = await endProcess(state, state.grace_ms + MARGIN_MS);
  removeWorker(home, state);
  return how;
}

const workersOf = (home: string, { address, namespace }: WorkerRequest) =>
  readWorkers(home).filter(
    (state) => state.address === address && state.namespace === namespace && isAlive(state),
  );

async function start(home: string, env: Environment, request: WorkerRequest): Promise<WorkerState> {
  request.say?.('starting a worker …');
  dropLeftovers(home);
  const [command, ...args] = request.program ?? [
    process.execPath,
    join(packageFolder(), 'bin', 'metalab.js'),
  ];
  const logFile = join(
    logsFolder(home),
    `worker-${new Date().toISOString().replaceAll(':', '')}-${process.pid}.log`,
  );
  const pid = spawnDetached({
    command,
    args: [
      ...args,
      'worker',
      '--background',
      ...(request.slots === null ? [] : ['--slots', String(request.slots)]),
    ],
    // Not the user's folder, which may be deleted while it runs.
    cwd: home,
    env: { ...withAbsolutePaths(env), METALAB_HOME: home, [LOG_VARIABLE]: logFile },
    logFile,
  });
  if (pid === undefined) throw startError('could not be executed', logFile);
  const child = identify(pid);
  for (const end = performance.now() + READY_WITHIN_MS; performance.now() < end; await sleep(25)) {
    const ready = workersOf(home, request).find((state) => state.pid === pid);
    if (ready) return ready;
    if (!isAlive(child)) throw startError('ended while starting', logFile);
  }
  await endProcess({ ...child, log_file: logFile }, 1_000);
  throw startError(`did not begin to poll ${request.address} within ${READY_WITHIN_MS / 1000} s`, logFile);
}

/** Paths of certificates and configuration are relative to the user's folder. */
function withAbsolutePaths(env: Environment): Environment {
  const isPath = (name: string) =>
    /^TEMPORAL_(CONFIG_FILE|TLS_.*_PATH)$|^METALAB_(CACHE|TEMPORAL|KEY_FILE)$/.test(name);
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value && isPath(name) ? resolve(value) : value]),
  );
}

function dropLeftovers(home: string): void {
  for (const state of readWorkers(home)) if (!isAlive(state)) removeWorker(home, state);
  const logs = readdirSync(logsFolder(home)).filter((name) => name.startsWith('worker-'));
  for (const name of logs.sort().slice(0, -LOGS_KEPT)) rmSync(join(logsFolder(home), name), { force: true });
}

function startError(what: string, logFile: string): InfrastructureError {
  const tail = lastErrorLines(logFile);
  return new InfrastructureError({
    code: 'METALAB_WORKER_START',
    what: `the background worker ${what}${tail ? `; the end of its log:\n${tail.replace(/^/gm, '    ')}` : ', and wrote nothing to its log'}`,
    next: `see ${logFile} and \`metalab doctor\`; \`metalab worker\` runs one in this terminal`,
  });
}
