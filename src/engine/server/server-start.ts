import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import type { Environment } from '../../access/own-folders.js';
import { InfrastructureError, messageOf } from '../../definition/errors.js';
import { lastErrorLines, spawnDetached, tailOf } from '../detached.js';
import { endProcess } from '../signals.js';
import { identify, isAlive, removeServer, type ServerState, writeServer } from '../state.js';
import { databaseFile, logsFolder } from '../state-folder.js';
import { answers, choosePorts, type Ports } from './ports.js';
import { ensureSearchAttributes } from './search-attributes.js';
import { obtainTemporalCli } from './temporal-cli.js';

/** It takes 1 s on an idle machine, many times that on a busy one. A server that has ended is noticed at once. */
const ANSWERS_WITHIN_MS = 120_000;
/** A free port can be taken between being found and being used. */
const TRIES = 3;

/** Starts the server and waits until it answers. The caller holds the engine's lock. */
export async function startServer(
  home: string,
  env: Environment,
  say: (line: string) => void,
): Promise<ServerState> {
  const cli = await obtainTemporalCli({ env, say });
  say('starting a Temporal server …');
  for (let attempt = 1; ; attempt++) {
    const ports = await choosePorts(home, env);
    const state = launch(home, env, cli.path, ports);
    try {
      return await finishServer(home, state);
    } catch (error) {
      if (isAlive(state) || !portWasTaken(state) || attempt === TRIES) throw error;
    }
  }
}

/** Waits until a launched server answers, and marks it ready. */
export async function finishServer(home: string, state: ServerState): Promise<ServerState> {
  const connection = await firstAnswer(home, state);
  try {
    const search_attributes = await ensureSearchAttributes(connection, state.namespace);
    const ready = { ...state, ready: true, search_attributes };
    writeServer(home, ready);
    return ready;
  } finally {
    await connection.close();
  }
}

/**
 * Whether the server ended because another process used one of its ports. The log is read because the port may be free
 * again, as after a short connection, or be one that the server chose itself.
 */
const portWasTaken = ({ log_file }: ServerState) =>
  tailOf(log_file ?? '', 400).includes('address already in use');

function launch(home: string, env: Environment, command: string, { port, ui_port }: Ports): ServerState {
  const db_file = databaseFile(home);
  const log_file = join(logsFolder(home), 'server.log');
  if (existsSync(log_file)) renameSync(log_file, `${log_file}.1`);
  const pid = spawnDetached({
    command,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port)],
      ...['--ui-ip', '127.0.0.1', '--ui-port', String(ui_port)],
      ...[
        '--db-filename',
        db_file,
        '--sqlite-pragma',
        'journal_mode=wal',
        '--sqlite-pragma',
        'synchronous=normal',
      ],
      ...['--log-level', 'warn', '--color', 'never'],
      // The daily request that reports which version runs here.
      ...['--dynamic-config-value', 'frontend.enableServerVersionCheck=false'],
      // With the default, chunks that have waited for 5 s may go on waiting beside a free slot (decision 23).
      ...['--dynamic-config-value', 'matching.backlogNegligibleAge="8760h"'],
    ],
    cwd: home,
    // The user's profile is meant for clients; the CLI would take its flags from it.
    env: Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('TEMPORAL_'))),
    logFile: log_file,
  });
  if (pid === undefined) throw startError('could not be executed', { command, log_file, db_file });
  const state: ServerState = {
    ...identify(pid),
    ...{ address: `127.0.0.1:${port}`, namespace: 'default', port, ui_port, db_file, log_file, command },
    ...{ ready: false, search_attributes: false },
  };
  writeServer(home, state);
  return state;
}

async function firstAnswer(home: string, state: ServerState): Promise<Connection> {
  const { Connection } = await import('@temporalio/client');
  let reason = '';
  const noted = (error: unknown) => {
    reason = `: ${messageOf(error)}`;
    return undefined;
  };
  for (const end = performance.now() + ANSWERS_WITHIN_MS; performance.now() < end; await sleep(25)) {
    if (!isAlive(state)) {
      removeServer(home);
      throw startError('ended while starting', state);
    }
    // A refused gRPC connection backs off for a second. Checking the port first halves the time of a start.
    if (!(await answers(state.port))) continue;
    const connection = await Connection.connect({ address: state.address, connectTimeout: 1_000 }).catch(
      noted,
    );
    // The frontend answers a moment before the namespace exists.
    const usable = await connection?.workflowService
      .describeNamespace({ namespace: state.namespace })
      .catch(noted);
    if (connection && usable && (await isItsOwn(state))) return connection;
    await connection?.close();
  }
  await endProcess(state, 1_000);
  removeServer(home);
  const seconds = ANSWERS_WITHIN_MS / 1000;
  throw startError(`did not answer on ${state.address} within ${seconds} s${reason}`, state);
}

/**
 * Two servers that start at the same moment may have found the same port free: then the other one answers, until this
 * one has noticed and ended. Its log names its address once it listens; a CLI that words that differently gets 10 s.
 */
async function isItsOwn(state: ServerState): Promise<boolean> {
  for (const end = performance.now() + 10_000; performance.now() < end && isAlive(state); await sleep(25)) {
    if (/^(Temporal )?Server:/m.test(tailOf(state.log_file ?? '', 50))) return isAlive(state);
  }
  return isAlive(state);
}

type Launched = Pick<ServerState, 'command' | 'log_file' | 'db_file'>;

function startError(what: string, launched: Launched): InfrastructureError {
  const tail = lastErrorLines(launched.log_file ?? '');
  return new InfrastructureError({
    code: 'METALAB_SERVER_START',
    what: `the Temporal server ${what}${tail ? `; the end of its log:\n${tail.replace(/^/gm, '    ')}` : ', and wrote nothing to its log'}`,
    where: launched.command,
    next: nextFor(tail, launched),
  });
}

function nextFor(tail: string, { db_file, log_file }: Launched): string {
  if (/malformed|not a database|schema version|SQL logic error/i.test(tail)) {
    return `the database ${db_file} seems broken or of another version: move it away and submit again (results are in the store, not there)`;
  }
  return `see ${log_file} and \`metalab doctor\`; METALAB_TEMPORAL chooses another Temporal CLI`;
}
