import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { SlurmEnvironment } from '../../config/resolved-config.js';
import { hashContent } from '../../identity/hash-content.js';
import { experimentIdOf, segmentsFolder, submissionFolder } from '../../storage/file/layout.js';
import { listNames } from '../../storage/file/list-names.js';
import type { ArtifactContent, ArtifactPlaces } from '../fetch-artifact.js';
import { fetchArtifacts } from '../fetch-artifacts.js';
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

export interface CleanOptions {
  /**
   * Experiments to which other stores submitted, too, unless an array of theirs is in the queue: those stores are lost. One
   * that is not finds nothing of what it had not yet collected, and does those runs again.
   */
  readonly lostStores?: boolean | undefined;
}

const LIST = `cd "$1" 2>/dev/null || exit 0
for d in *@*; do [ -d "$d" ] && printf '%s\\n' "$d"; done; exit 0`;

const ARTIFACTS = `cd "$1/artifacts" 2>/dev/null || exit 0
find . -type f ! -name '.*' -exec stat -c '%s %n' {} + | sed 's|\\./||'`;

const SUBMISSIONS = `cd "$1" || exit 74
for d in segments submissions; do [ ! -d "$d" ] || ls "$d" || exit 1; done`;

// Arguments: the experiment's folder and submissions. Output: an array of each that has one in the queue.
const QUEUED = `cd "$1/submissions" || exit 74
shift
names=$(squeue --noheader --user="$(id -un)" --format=%j) || exit 75
for submission; do
  for array in "$submission"/arrays/*; do
    case "
$names
" in *"
metalab-\${array##*/}
"*) printf '%s\\n' "$submission"; break ;; esac
  done
done
echo whole`;

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
  options: CleanOptions = {},
): AsyncGenerator<CleanedExperiment, void> {
  const patience = new Patience(transport);
  try {
    const spool = await Spool.open(transport, environment.file_root, patience);
    const { stdout } = await patience.ask(['sh', '-c', LIST, 'metalab', spool.root]);
    for (const name of stdout.split('\n').filter((line) => line !== ''))
      yield await cleanOne(transport, patience, spool, experimentIdOf(name), store, options);
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
  { lostStores = false }: CleanOptions,
): Promise<CleanedExperiment> {
  const folder = store.experimentFolder(experiment_id);
  const there = spool.experimentFolder(experiment_id);
  const leave = (why: string) => ({ experiment_id, removed: false, bytes: 0, why });
  if (!existsSync(folder)) return leave('this store does not have the experiment: another may');
  const unfinished = await store.unfinished(experiment_id);
  if (unfinished.length > 0) return leave(`submission ${unfinished[0]} has not ended`);
  const known = new Set(await listNames(submissionFolder(folder, '')));
  const { stdout } = await patience.ask(['sh', '-c', SUBMISSIONS, 'metalab', there]);
  const others = [...new Set(stdout.split('\n'))].filter((name) => name !== '' && !known.has(name));
  if (others.length > 0) {
    if (!lostStores)
      return leave(
        `submission ${others[0]} is another store's: clean it with that store, or, if that is lost, with --lost-stores`,
      );
    const [queued] = await inQueue(patience, there, others);
    if (queued !== undefined) return leave(`submission ${queued} of another store is in the queue`);
  }
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

/** Which of some submissions have an array in the queue. */
async function inQueue(patience: Patience, there: string, submissions: readonly string[]): Promise<string[]> {
  const { stdout } = await patience.ask(['sh', '-c', QUEUED, 'metalab', there, ...submissions], {
    isAnswer: (result) => result.exitCode === 0 && result.stdout.endsWith('whole\n'),
  });
  return stdout.split('\n').slice(0, -2);
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
  await bringArtifacts(transport, patience, { folder, there });
  return { bytes };
}

/** Brings artifacts that the store has not, whatever records name them. */
async function bringArtifacts(
  transport: Transport,
  patience: Patience,
  places: ArtifactPlaces,
): Promise<void> {
  const { stdout } = await patience.ask(['sh', '-c', ARTIFACTS, 'metalab', places.there]);
  const artifacts: ArtifactContent[] = [];
  for (const [, size, content_hash] of stdout.matchAll(/^(\d+) ([0-9a-f]{64})$/gm))
    artifacts.push({
      content_hash: content_hash!,
      uri: `artifacts/${content_hash}`,
      size_bytes: Number(size),
    });
  await patience.until(() => fetchArtifacts(transport, places, artifacts));
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
