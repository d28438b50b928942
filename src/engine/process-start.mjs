// @ts-check
// Plain JavaScript: scripts/setup.mjs needs it before anything is built.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When a process started, as the system prints it: together with the pid it identifies a process, though pids are
 * reused.
 *
 * @param {number} pid
 * @returns {string | undefined} undefined: there is no such process, or it has ended and nobody has waited for it yet
 */
export function processStart(pid) {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

/**
 * Clock ticks since boot: field 22 of proc(5)'s stat. The name in field 2 may contain spaces and parentheses.
 *
 * @param {number} pid
 */
function fromProc(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A killed process whose first thread is gone holds its ports and files until its last thread is gone: field 20
    // counts them.
    return isEnded(fields[0]) && Number(fields[17]) <= 1 ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function fromPs(pid) {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  const { stdout, status } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    env,
    encoding: 'utf8',
  });
  const [state, ...start] = (stdout ?? '').trim().split(/\s+/);
  return status !== 0 || isEnded(state) || start.length === 0 ? undefined : start.join(' ');
}

// If pid 1 waits for nobody, as in many containers, an ended orphan stays a zombie for ever.
/** @param {string | undefined} state */
const isEnded = (state) => state === undefined || state.startsWith('Z') || state.startsWith('X');
