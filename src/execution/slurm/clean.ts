import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { SlurmEnvironment } from '../../config/resolved-config.js';
import { hashContent } from '../../identity/hash-content.js';
import {
  artifactsFolder,
  experimentIdOf,
  segmentsFolder,
  submissionFolder,
} from '../../storage/file/layout.js';
import { listNames } from '../../storage/file/list-names.js';
import type { Transport } from '../transport/transport.js';
import { Patience } from './ask.js';
import { collectOnce } from './collect/collector.js';
import { SegmentCopies } from './collect/segment-copies.js';
import { Spool } from './spool.js';

/** What became of one experiment's part of the spool. */
export interface CleanedExperiment {
  readonly experiment_id: string;
  readonly removed: boolean;
  /** Bytes of segments that the store had not. */
  readonly bytes: number;
  /** Why it was left. */
  readonly why?: string;
}

/** Which experiments, and where the store has them. */
export interface CleanStore {
  experimentFolder(experimentId: string): string;
  /** Submissions of it that have not ended. */
  unfinished(experimentId: string): Promise<readonly string[]>;
}

const LIST = `cd "$1" 2>/dev/null || exit 0
for d in *@*; do [ -d "$d" ] && printf '%s\\n' "$d"; done; exit 0`;

const SUBMISSIONS = `cd "$1" || exit 74
for d in segments submissions; do [ ! -d "$d" ] || ls "$d" || exit 1; done`;

// Without its last line the list may be short of files that find or sha256sum could not read.
const SUMS = `cd "$1" || exit 74
set --
for d in segments artifacts; do [ ! -d "$d" ] || set -- "$@" "$d"; done
[ $# = 0 ] || find "$@" -type f ! -name '.*' -exec sha256sum {} + || exit 1
echo whole`;

/**
 * Removes experiments from a spool, each only when everything that it recorded is in the store: collected, artifacts too, and
 * equal by SHA-256 to what is on the cluster.
 */
export async function* cleanSpool(
  transport: Transport,
  environment: SlurmEnvironment,
  store: CleanStore,
): AsyncGenerator<CleanedExperiment, void> {
  const patience = new Patience(transport);
  try {
    const spool = await Spool.open(transport, environment.file_root, patience);
    const { stdout } = await patience.ask(['sh', '-c', LIST, 'metalab', spool.root]);
    for (const name of stdout.split('\n').filter((line) => line !== ''))
      yield await cleanOne(transport, patience, spool, experimentIdOf(name), store);
  } finally {
    patience.close();
  }
}

async function cleanOne(
  transport: Transport,
  patience: Patience,
  spool: Spool,
  experiment_id: string,
  store: CleanStore,
): Promise<CleanedExperiment> {
  const folder = store.experimentFolder(experiment_id);
  const there = spool.experimentFolder(experiment_id);
  const leave = (why: string) => ({ experiment_id, removed: false, bytes: 0, why });
  if (!existsSync(folder)) return leave('this store does not have the experiment: another may');
  const unfinished = await store.unfinished(experiment_id);
  if (unfinished.length > 0) return leave(`submission ${unfinished[0]} has not ended`);
  const known = new Set(await listNames(submissionFolder(folder, '')));
  const { stdout } = await patience.ask(['sh', '-c', SUBMISSIONS, 'metalab', there]);
  const strange = stdout.split('\n').find((name) => name !== '' && !known.has(name));
  if (strange !== undefined)
    return leave(`submission ${strange} is another store's: clean it with the environment of that store`);
  const { bytes } = await fetchAll(transport, patience, { spool, there }, folder);
  const wrong = await differences(patience, there, folder);
  if (wrong.length > 0)
    return leave(
      `${wrong.length} files are not in the store as they are on the cluster, such as ${wrong[0]}`,
    );
  // By another name first: what is removed half-way is no experiment any more.
  const script = 'mv "$1" "$2" && rm -rf "$2"';
  const doomed = posix.join(posix.dirname(there), `.removed-${posix.basename(there)}-${Date.now()}`);
  await patience.ask(['sh', '-c', script, 'metalab', there, doomed], { timeout_ms: 600_000 });
  return { experiment_id, removed: true, bytes };
}

/** Brings segments and artifacts that the store has not. */
async function fetchAll(
  transport: Transport,
  patience: Patience,
  { spool, there }: { readonly spool: Spool; readonly there: string },
  folder: string,
) {
  const copies = new SegmentCopies(segmentsFolder(folder));
  const { bytes } = await patience.until(() =>
    collectOnce(
      transport,
      { root: spool.root, id: spool.id, folder: there, segments: 'segments' },
      copies,
      [],
    ),
  );
  await copies.sync();
  await fetchArtifacts(transport, patience, there, folder);
  return { bytes };
}

/** Brings artifacts that the store has not, whatever records name them. */
async function fetchArtifacts(
  transport: Transport,
  patience: Patience,
  there: string,
  folder: string,
): Promise<void> {
  const list = 'cd "$1/artifacts" 2>/dev/null || exit 0; ls';
  const { stdout } = await patience.ask(['sh', '-c', list, 'metalab', there]);
  const names = stdout.split('\n').filter((name) => /^[0-9a-f]{64}$/.test(name));
  for (const name of names.filter((each) => !existsSync(join(artifactsFolder(folder), each))))
    await patience.until(() =>
      transport.get(posix.join(there, 'artifacts', name), join(artifactsFolder(folder), name)),
    );
}

/** Names of the cluster's files that the store has not, or has otherwise. */
async function differences(patience: Patience, there: string, folder: string): Promise<string[]> {
  const { stdout } = await patience.ask(['sh', '-c', SUMS, 'metalab', there], {
    timeout_ms: 3_600_000,
    isAnswer: (result) => result.exitCode === 0 && result.stdout.endsWith('whole\n'),
  });
  const wrong: string[] = [];
  for (const line of stdout.split('\n').slice(0, -2)) {
    const [, sum, name] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (sum === undefined || name === undefined) wrong.push(line);
    else if ((await sumOf(join(folder, name))) !== sum) wrong.push(name);
  }
  return wrong;
}

async function sumOf(path: string): Promise<string | undefined> {
  return existsSync(path) ? (await hashContent(path)).content_hash : undefined;
}
