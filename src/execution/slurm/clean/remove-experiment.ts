import { posix } from 'node:path';
import type { AskCluster } from '../cluster-retry.js';

const REMOVE_MS = 600_000;

/**
 * Removes an experiment's folder, unless one of its arrays is in the queue: asked once more when the folder has another name,
 * under which no task finds it and nobody can submit more. Arguments: the folder, that name. Input: the arrays' tokens. What
 * is removed half-way is no experiment any more.
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

/** What whoever was killed while removing has left. Argument: the spool's root. */
const TIDY = `find "$1" -maxdepth 1 -name '.removed-*' -cmin +60 -exec rm -rf {} +`;

/** @returns false where an array has come into the queue meanwhile: then everything is as it was */
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
