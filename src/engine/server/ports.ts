import { spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { Environment } from '../../access/own-folders.js';
import { InfrastructureError } from '../../definition/errors.js';
import { readJson, writeJson } from '../state.js';
import { portsFile } from '../state-folder.js';

export interface Ports {
  readonly port: number;
  readonly ui_port: number;
}

/** The usual ports of a Temporal server and its UI. */
export const DEFAULT_PORTS: Ports = { port: 7233, ui_port: 8233 };

/**
 * Below the range that systems give to outgoing connections: a client that keeps trying a dead server's port of that
 * range in the end connects to itself, and the server can't have its port back.
 */
const [FIRST_PORT, PORTS] = [20_000, 10_000];
const MAX_TRIES = 1000;

const VARIABLES = { port: 'METALAB_PORT', ui_port: 'METALAB_UI_PORT' } as const;

/**
 * The ports for a server that is about to start: those that METALAB_PORT and METALAB_UI_PORT fix, else those it had
 * before, else the usual ones, else free ones, which are remembered so that bookmarks keep working.
 *
 * @throws InfrastructureError (METALAB_PORT) naming every fixed port that is invalid or in use
 */
export async function choosePorts(home: string, env: Environment): Promise<Ports> {
  const wrong: string[] = [];
  const fixed: { port?: number; ui_port?: number } = {};
  for (const key of ['port', 'ui_port'] as const) {
    const value = env[VARIABLES[key]];
    if (!value) continue;
    const port = Number(value);
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      wrong.push(`${VARIABLES[key]}=${value} is no port`);
    else if (!(await isFree(port)))
      wrong.push(`${VARIABLES[key]}: port ${port} is in use${formatHolder(port)}`);
    else fixed[key] = port;
  }
  if (wrong.length > 0) throw portError(wrong);
  const remembered = readPorts(home);
  const port = fixed.port ?? (await firstFree([remembered?.port, DEFAULT_PORTS.port], [fixed.ui_port]));
  const ui_port = fixed.ui_port ?? (await firstFree([remembered?.ui_port, DEFAULT_PORTS.ui_port], [port]));
  writeJson(portsFile(home), { port, ui_port });
  return { port, ui_port };
}

/** Whether a server could listen on a port of 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  // Listening alone isn't enough: macOS lets two processes listen if one of them holds all addresses.
  return !(await answers(port)) && (await canListen(port));
}

/** Whether something accepts connections on a port of 127.0.0.1. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 1_000 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', () => done(true));
    socket.on('error', () => done(false));
    socket.on('timeout', () => done(false));
  });
}

/** The process that listens on a port, e.g. `postgres, pid 4711`; undefined if this system or user can't tell. */
export function holderOf(port: number): string | undefined {
  const listing = spawnSync('ss', ['-Hltnp', `sport = :${port}`], { encoding: 'utf8' });
  const fromSs = /users:\(\("([^"]+)",pid=(\d+)/.exec(listing.stdout ?? '');
  if (fromSs) return `${fromSs[1]}, pid ${fromSs[2]}`;
  const lsof = spawnSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], { encoding: 'utf8' });
  const fromLsof = /^p(\d+)\nc(.+)$/m.exec(lsof.stdout ?? '');
  return fromLsof ? `${fromLsof[2]}, pid ${fromLsof[1]}` : undefined;
}

const formatHolder = (port: number) => {
  const holder = holderOf(port);
  return holder ? ` by ${holder}` : '';
};

async function firstFree(wanted: readonly (number | undefined)[], taken: readonly (number | undefined)[]) {
  for (const port of wanted) if (port && !taken.includes(port) && (await isFree(port))) return port;
  return freePort();
}

/** A port that a server may be given, killed, and given again. It may be in use. */
export const randomPort = (): number => FIRST_PORT + Math.floor(Math.random() * PORTS);

/**
 * A port of 127.0.0.1 that nothing uses now.
 *
 * @throws InfrastructureError METALAB_PORT if none can be had
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = randomPort();
    if (await isFree(port)) return port;
  }
  throw portError([`found no free port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1}`]);
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}

function readPorts(home: string): Ports | undefined {
  const value = readJson(portsFile(home));
  return typeof value === 'object' && value !== null && 'port' in value && 'ui_port' in value
    ? { port: Number(value.port), ui_port: Number(value.ui_port) }
    : undefined;
}

const portError = (wrong: readonly string[]) =>
  new InfrastructureError({
    code: 'METALAB_PORT',
    what: wrong.join('; '),
    expected: 'free ports of 127.0.0.1',
    next: 'choose others with METALAB_PORT and METALAB_UI_PORT, or unset them: metalab then picks free ones',
  });
