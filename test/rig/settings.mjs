// @ts-check
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../support/temporal-on-postgres/ports.mjs';

/**
 * What a rig can be asked to be.
 *
 * @typedef {object} RigOptions
 * @property {boolean} [accounting] default: true; without it there is no sacct, and no limits but the cluster's
 * @property {readonly string[]} [nodes] default: n1 and n2
 * @property {number} [cpusPerNode] default: 2; may be more than there are
 * @property {number} [memoryPerNodeMb] default: 8,000; may be more than there is
 * @property {number} [maxArraySize] default: 1001
 * @property {number} [maxJobCount] default: 10,000
 * @property {number} [minJobAgeSeconds] default: 300; how long squeue and scontrol still know a job that has ended
 * @property {number} [nodeTimeoutSeconds] default: 10; after so long without an answer a node is down
 * @property {Readonly<Record<string, string | number>>} [slurm] further settings of slurm.conf, or others
 * @property {number} [gatewayPort] default: a free one
 * @property {string} [gatewayAddress] default: 127.0.0.1
 */

/**
 * @typedef {object} RigSettings
 * @property {string} cluster
 * @property {string} hostname
 * @property {string} user
 * @property {Required<Omit<RigOptions, 'gatewayPort'>>} options
 * @property {{ readonly controller: number, readonly accounting: number, readonly database: number, readonly gateway: number }} ports
 * @property {Readonly<Record<string, number>>} nodePorts
 * @property {import('./processes.mjs').ProcessId | null} owner with whom the rig ends
 */

const DEFAULTS = {
  accounting: true,
  nodes: ['n1', 'n2'],
  cpusPerNode: 2,
  memoryPerNodeMb: 8_000,
  maxArraySize: 1_001,
  maxJobCount: 10_000,
  minJobAgeSeconds: 300,
  nodeTimeoutSeconds: 10,
  slurm: {},
  gatewayAddress: '127.0.0.1',
};

/**
 * @param {RigOptions} options
 * @param {{ readonly user: string, readonly owner: import('./processes.mjs').ProcessId | null }} who
 * @returns {Promise<RigSettings>}
 */
export async function chooseSettings({ gatewayPort, ...given }, { user, owner }) {
  const options = { ...DEFAULTS, ...given };
  const [controller = 0, accounting = 0, database = 0, gateway = 0, ...rest] = await freePorts(
    4 + options.nodes.length,
  );
  return {
    cluster: `rig${controller}`,
    hostname: hostname().split('.')[0] ?? 'localhost',
    user,
    options,
    ports: { controller, accounting, database, gateway: gatewayPort ?? gateway },
    nodePorts: Object.fromEntries(options.nodes.map((node, i) => [node, rest[i] ?? 0])),
    owner,
  };
}

/** @param {string} folder @param {RigSettings} settings */
export function writeSettings(folder, settings) {
  for (const name of ['', 'log', 'pids', 'home'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, 'rig.json'), JSON.stringify(settings, null, 2));
}

/** @param {string} folder @returns {RigSettings | undefined} undefined: there is no rig in it */
export function readSettings(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'rig.json'), 'utf8'));
  } catch {
    return undefined;
  }
}
