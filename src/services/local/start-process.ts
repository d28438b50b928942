import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile } from '../../access/replace-file.js';
import { spawnDetached } from '../../engine/detached.js';
import { processStart } from '../../engine/process-start.mjs';
import type { LocalFragment } from '../plugin.js';
import type { LocalProcess } from '../service.js';
import { isAlive, MARKER } from './process-tree.js';

/**
 * Notes its own pid and start before it becomes the service, and only goes on if the start was not called off in the
 * meantime. So a service whose starter was killed at any moment is either known, or does not run.
 */
const LAUNCHER = `umask 077
{ echo "$$"; cat "/proc/$$/stat" 2>/dev/null || LC_ALL=C TZ=UTC ps -o lstart= -p "$$"; } > "$0.new" &&
  mv "$0.new" "$0.pid" && [ -e "$0" ] && exec "$@"`;

/**
 * Starts a fragment's process, in a session of its own.
 *
 * @param folder private
 * @param id of this start
 * @returns undefined if it could not be executed, with the reason in the log
 */
export async function startProcess(
  { command, env, log, files }: LocalFragment,
  {
    folder,
    id,
    variables,
  }: { readonly folder: string; readonly id: string; readonly variables: NodeJS.ProcessEnv },
): Promise<LocalProcess | undefined> {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    replaceFile(path, content);
  }
  prepareLog(log);
  const start = startFile(folder, id);
  writeFileSync(start, '', { mode: 0o600 });
  const pid = spawnDetached({
    command: '/bin/sh',
    args: ['-c', LAUNCHER, start, ...command],
    cwd: folder,
    env: { ...variables, ...env, [MARKER]: id },
    logFile: log,
  });
  const began = pid === undefined ? undefined : processStart(pid);
  return pid === undefined || began === undefined ? undefined : { pid, start: began };
}

/**
 * Calls off a start that nobody noted the end of. Its process may be running nevertheless, or be about to end.
 *
 * @returns the process that noted itself, if it is alive
 */
export function callOffStart(folder: string, id: string): LocalProcess | undefined {
  const start = startFile(folder, id);
  rmSync(start, { force: true });
  const noted = existsSync(`${start}.pid`) ? readFileSync(`${start}.pid`, 'utf8') : '';
  const [pid, stat = ''] = noted.split('\n');
  // Another process may have been given the pid since. See processStart.
  const began = stat.includes(')')
    ? stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    : stat.trim().split(/\s+/).join(' ');
  const named = { pid: Number(pid), start: began ?? '' };
  return began && isAlive(named) ? named : undefined;
}

export function removeStart(folder: string, id: string): void {
  for (const end of ['', '.new', '.pid']) rmSync(`${startFile(folder, id)}${end}`, { force: true });
}

const startFile = (folder: string, id: string) => join(folder, `start-${id}`);

/** Only this user may read it: it has what the service prints. */
function prepareLog(log: string): void {
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 });
  if (existsSync(log)) chmodSync(log, 0o600);
}
