import { chmodSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LocalFragment, ShippedFile, SlurmFragment } from '../services/plugin.js';

/** Copies what a plan ships, as to a cluster that is this machine. */
export function shipFiles(files: readonly ShippedFile[] = []): void {
  for (const { from, to, mode } of files) {
    if (existsSync(to)) continue;
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(from, to);
    chmodSync(to, mode);
  }
}

/** A process on this machine that does what a Slurm job with this service does. */
export const jobOf = (
  { setup, cleanup, files, readiness, health = readiness }: SlurmFragment,
  log: string,
): LocalFragment => ({
  command: ['/bin/sh', '-c', script(setup, cleanup)],
  env: { SERVICE_LOG: log },
  readiness,
  health,
  log,
  stop: { signal: 'SIGTERM', timeout_ms: 60_000 },
  files,
});

const script = (setup: readonly string[], cleanup: readonly string[]) =>
  [
    `cleanup() {\ntrap - EXIT TERM\n${cleanup.join('\n')}\n}`,
    'trap cleanup EXIT',
    "trap 'exit 0' TERM",
    ...setup,
    'wait "$SERVICE_PID"',
  ].join('\n');
