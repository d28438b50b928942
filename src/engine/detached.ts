import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Environment } from '../access/own-folders.js';

export interface DetachedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Environment;
  /** Receives all output of the process, appended. */
  readonly logFile: string;
}

/**
 * Starts a process in a session of its own: it survives the end of this process and of its terminal.
 *
 * @returns its pid; undefined if it could not be executed, with the reason in the log
 */
export function spawnDetached({ command, args, cwd, env, logFile }: DetachedCommand): number | undefined {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(command, args, { cwd, env: { ...env }, detached: true, stdio: ['ignore', log, log] });
    // Without a listener, the failure that a missing `pid` already shows would be thrown.
    child.on('error', () => {});
    child.unref();
    return child.pid;
  } finally {
    closeSync(log);
  }
}

/** The last lines of a log, '' if there is none. */
export function tailOf(logFile: string, lines: number): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } catch {
    return '';
  }
}

/** The end of the log of an ended process: from its last error on, which a stack trace may follow; at most 8 lines. */
export function lastErrorLines(logFile: string): string {
  const lines = tailOf(logFile, 200).split('\n');
  const error = lines.findLastIndex((line) => /^\s*(panic|fatal error|Error|\w+Error)\b.*:/.test(line));
  const end = error === -1 ? lines.slice(-8) : lines.slice(error, error + 8);
  return end.join('\n').trim();
}
