import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { Readable } from 'node:stream';
import type { StartedCommand } from '../command.js';

/** The time between SIGTERM and SIGKILL, as over SSH. */
const GRACE_MS = 2_000;

/** Starts a program on this machine in a process group of its own, so that its child processes can be ended with it. */
export async function startCommand(command: readonly string[], signal: AbortSignal): Promise<StartedCommand> {
  signal.throwIfAborted();
  const [program, ...args] = command;
  if (program === undefined) throw new TypeError('a command has at least a program');
  const child = spawn(program, args, { cwd: homedir(), detached: true, stdio: 'pipe' });
  let failure = '';
  const exit = new Promise<Awaited<StartedCommand['exit']>>((resolve) => {
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
    child.once('error', (error: NodeJS.ErrnoException) => {
      failure = `${program}: ${error.code === 'ENOENT' ? 'not found' : error.message}\n`;
      resolve({ exitCode: error.code === 'ENOENT' ? 127 : 126, signal: null });
    });
  });
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.pid === undefined ? failureText(exit, () => failure) : child.stderr,
    exit,
    kill() {
      const { pid } = child;
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      endGroup(pid, 'SIGTERM');
      const late = setTimeout(() => endGroup(pid, 'SIGKILL'), GRACE_MS);
      child.once('exit', () => {
        clearTimeout(late);
        // A process that it left behind holds its output open.
        endGroup(pid, 'SIGKILL');
        child.stdout.destroy();
        child.stderr.destroy();
      });
    },
  };
}

async function* failureText(exit: Promise<unknown>, text: () => string): AsyncIterable<Uint8Array> {
  await exit;
  yield* Readable.from([Buffer.from(text())]);
}

function endGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended.
  }
}
