import { spawnSync } from 'node:child_process';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';

/** Runs a command in the clone; what it prints goes to stderr, so that a script's own output stays clean. */
export function runCommand(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    ...options,
  });
  if (error) throw new SetupError(`${command} could not be run: ${error.message}`);
  if (status !== 0)
    throw new SetupError(`\`${[command, ...args].join(' ')}\` ended with ${signal ?? `exit code ${status}`}`);
}
