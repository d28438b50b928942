import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Environment } from './state-folder.js';

export interface DetachedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
  /** Gets everything it writes; appended to. */
  readonly logFile: string;
}

/**
 * Starts a process in a session of its own: neither this process's end nor its terminal's reaches it.
 *
 * @returns its pid; undefined where it could not be executed, which the log then says
 */
export function spawnDetached({ command, args, cwd, env, logFile }: DetachedCommand): number | undefined {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(command, args, { cwd, env: { ...env }, detached: true, stdio: ['ignore', log, log] });
    // Without a listener the failure that `pid` already tells of would be thrown.
    child.on('error', () => {});
    child.unref();
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** The last lines of a log, '' where there is none. */
export function tailOf(logFile: string, lines: number): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

/** The end of a log of a process that ended: from its last error on, which a stack trace may follow; at most 8 lines. */
export function lastWords(logFile: string): string {
  const lines = tailOf(logFile, 200).split('\n');
  const error = lines.findLastIndex((line) => /^\s*(panic|fatal error|Error|\w+Error)\b.*:/.test(line));
  const end = error === -1 ? lines.slice(-8) : lines.slice(error, error + 8);
  return end.join('\n').trim();
}
