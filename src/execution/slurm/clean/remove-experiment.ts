import { posix } from 'node:path';
import type { AskCluster } from '../cluster-retry.js';

const REMOVE_MS = 600_000;

/**
 * Removes an experiment's folder, unless one of its arrays is in the queue. The queue is checked again once the folder
 * has been renamed, so that no task finds it and nobody can submit more. Arguments: the folder, the new name. Input:
 * the arrays' tokens. A folder that is removed half-way is no longer an experiment.
 */
const REMOVE = `trap '' HUP PIPE
LC_ALL=C; export LC_ALL
tokens=$(sed 's/^/metalab-/')
mv "$1" "$2" || exit 74
if queue=$(squeue --noheader --format=%j); then
  names=$(printf '%s\\n' "$queue" | grep '^metalab-' | sort -u)
  if [ -z "$names" ] || ! printf '%s\\n' "$tokens" | grep -Fxq -e "$names"; then
    rm -rf "$2" || exit 74
    echo removed
    exit 0
  fi
  mv "$2" "$1" && echo queued
  exit 0
fi
mv "$2" "$1"
exit 75`;

/** Removes what a killed removal has left. Argument: the spool's root. */
const TIDY = `find "$1" -maxdepth 1 -name '.removed-*' -cmin +60 -exec rm -rf {} +`;

/** @returns false if an array has entered the queue meanwhile; then nothing is changed */
export async function removeExperiment(
  ask: AskCluster,
  there: string,
  tokens: readonly string[],
): Promise<boolean> {
  const removed = posix.join(posix.dirname(there), `.removed-${posix.basename(there)}-${Date.now()}`);
  const { stdout } = await ask(['sh', '-c', REMOVE, 'metalab', there, removed], {
    stdin: tokens.map((token) => `${token}\n`).join(''),
    timeout_ms: REMOVE_MS,
  });
  return stdout === 'removed\n';
}

export async function tidyRemoved(ask: AskCluster, root: string): Promise<void> {
  await ask(['sh', '-c', TIDY, 'metalab', root], { timeout_ms: REMOVE_MS });
}
