// @ts-check
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStart } from '../../src/engine/process-start.mjs';

/** In the environment of all that a rig starts: the rig's folder. */
export const MARK = 'METALAB_RIG';

/**
 * A process, however often its pid is reused.
 *
 * @typedef {{ readonly pid: number, readonly start: string }} ProcessId
 */

/** @param {number} pid @returns {ProcessId | undefined} */
export function processId(pid) {
  const start = processStart(pid);
  return start === undefined ? undefined : { pid, start };
}

/** @param {ProcessId | null | undefined} process */
export const runs = (process) => Boolean(process) && processStart(process?.pid ?? 0) === process?.start;

/**
 * SIGKILL to processes, and waits until they are gone.
 *
 * @param {readonly ProcessId[]} processes
 */
export async function kill(processes) {
  for (const process of processes) signal(process, 'SIGKILL');
  while (processes.some(runs)) await sleep(5);
}

/**
 * @param {ProcessId} target
 * @param {NodeJS.Signals} name
 */
export function signal(target, name) {
  if (!runs(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/**
 * Kills what a rig, or one of its nodes, has running, until nothing is left: what is killed may just have started more.
 *
 * @param {string} folder the rig's
 * @param {{ readonly node?: string }} [of]
 */
export async function killAllOf(folder, of) {
  for (let found = processesOf(folder, of); found.length > 0; found = processesOf(folder, of))
    await kill(found);
}

/**
 * What a rig has running, recorded or not: its daemons and their children, its jobs, what was started through its gateway.
 *
 * @param {string} folder the rig's
 * @param {{ readonly node?: string }} [of] only what runs on a node
 * @returns {ProcessId[]}
 */
export function processesOf(folder, { node } = {}) {
  const all = allProcesses();
  const marked = all.filter(({ pid }) => {
    const environment = environmentOf(pid);
    const ofRig =
      environment.get(MARK) === folder ||
      (environment.has('SLURM_JOB_ID') && environment.get('SLURM_CONF')?.startsWith(`${folder}/`));
    if (node === undefined) return ofRig || logsTo(pid, `${folder}/log/`);
    return (
      (ofRig && environment.get('SLURMD_NODENAME') === node) || logsTo(pid, `${folder}/log/slurmd-${node}.`)
    );
  });
  // Some programs give their children no environment, as databases are started.
  const found = new Set(marked.map(({ pid }) => pid));
  const parents = all.map(({ pid }) => ({ pid, parent: parentOf(pid) }));
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const { pid, parent } of parents) if (found.has(parent)) found.add(pid);
  }
  return all.filter(({ pid }) => found.has(pid));
}

/** @param {number} parent @returns {ProcessId[]} */
export const childrenOf = (parent) => allProcesses().filter(({ pid }) => parentOf(pid) === parent);

function allProcesses() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => processId(Number(pid))).filter((found) => found !== undefined);
}

/**
 * Some of Slurm's processes and sshd overwrite their environment with their title: they are told by the log that they
 * hold open.
 *
 * @param {number} pid
 * @param {string} log a path's beginning
 */
function logsTo(pid, log) {
  if (!/^(slurm|sshd)/.test(read(`/proc/${pid}/comm`))) return false;
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`).startsWith(log));
  } catch {
    return false;
  }
}

/** @param {number} pid @returns {Map<string, string>} */
function environmentOf(pid) {
  const lines = read(`/proc/${pid}/environ`).split('\0');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** @param {number} pid */
function parentOf(pid) {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/**
 * Empty where the process has ended, or is somebody else's.
 *
 * @param {string} path
 */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** @param {string} path */
function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
