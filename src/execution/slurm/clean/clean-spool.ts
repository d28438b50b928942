import { existsSync } from 'node:fs';
import type { SlurmEnvironment } from '../../../config/resolved-config.js';
import { experimentIdOf, submissionFolder } from '../../../storage/file/layout.js';
import { listNames } from '../../../storage/file/list-names.js';
import type { Transport } from '../../../transport/transport.js';
import { askOnce } from '../ask-once.js';
import type { AskCluster } from '../cluster-retry.js';
import { type FoundSpool, findSpool } from '../spool/find-spool.js';
import { experimentFolderIn } from '../spool/spool-layout.js';
import { bringAllArtifacts, bringSegments, findDifferences } from './bring-home.js';
import { bringPacks } from './bring-packs.js';
import { endQueued, findQueuedArrays, type QueuedArray } from './queued-arrays.js';
import { removeExperiment, tidyRemoved } from './remove-experiment.js';

/** The result for one experiment's part of the spool. */
export interface CleanedExperiment {
  readonly experiment_id: string;
  readonly removed: boolean;
  /** With `dryRun`: whether removal would be tried. */
  readonly would_remove?: boolean;
  /** Its size on the cluster. */
  readonly size_bytes: number;
  /** Bytes of segments that the store lacked. */
  readonly bytes: number;
  /** Why it was kept. */
  readonly why?: string;
}

/** The experiments to clean, and where the store has them. */
export interface CleanStore {
  experimentFolder(experimentId: string): string;
  /** Its submissions that a workflow carries out, or may carry out. */
  unfinished(experimentId: string): Promise<readonly string[]>;
}

export interface CleanOptions {
  /**
   * Treat other stores that submitted to the experiments as lost, unless they have an array in the queue. A store that
   * is not lost won't find records that it had not collected yet, and does those runs again.
   */
  readonly lostStores?: boolean | undefined;
  /** Ends queued arrays that no workflow follows, and waits for their end. By default their experiments are kept. */
  readonly cancel?: boolean | undefined;
  /** Does not fetch artifacts that the store lacks: they are lost. */
  readonly discard?: boolean | undefined;
  /** Changes nothing, and reports what would be removed. */
  readonly dryRun?: boolean | undefined;
}

/** A network filesystem takes minutes to add up the file sizes of a large spool. */
const SIZES_MS = 600_000;

const EXPERIMENTS = `cd "$1" || exit 74
for d in *@*; do [ ! -d "$d" ] || du -sk -- "$d" || exit 1; done
exit 0`;

interface SpoolExperiment {
  readonly experiment_id: string;
  readonly size_bytes: number;
}

async function listExperiments(ask: AskCluster, root: string): Promise<SpoolExperiment[]> {
  const { stdout } = await ask(['sh', '-c', EXPERIMENTS, 'metalab', root], { timeout_ms: SIZES_MS });
  return [...stdout.matchAll(/^(\d+)\t(.+)$/gm)].map(([, kibibytes, name]) => ({
    experiment_id: experimentIdOf(name!),
    size_bytes: Number(kibibytes) * 1024,
  }));
}

const SUBMISSIONS = `cd "$1" || exit 74
for d in segments submissions; do [ ! -d "$d" ] || ls "$d" || exit 1; done`;

/**
 * Removes experiments from a spool. An experiment is removed only if none of its arrays is in Slurm's queue, and
 * everything that it recorded is in the store: collected, including artifacts, with the same SHA-256 as on the cluster.
 *
 * @throws TransportError, InfrastructureError if the cluster or the folder can't be used; it does not wait for them
 */
export async function* cleanSpool(
  transport: Transport,
  { file_root }: SlurmEnvironment,
  store: CleanStore,
  options: CleanOptions = {},
): AsyncGenerator<CleanedExperiment, void> {
  const ask = askOnce(transport);
  const spool = await findSpool(transport, ask, file_root);
  if (!spool) return;
  for (const experiment of await listExperiments(ask, spool.root))
    yield await new ExperimentCleaning(transport, ask, spool, experiment, store, options).run();
  if (!options.dryRun) await tidyRemoved(ask, spool.root);
}

class ExperimentCleaning {
  readonly #transport: Transport;
  readonly #ask: AskCluster;
  readonly #spool: FoundSpool;
  readonly #experiment: SpoolExperiment;
  readonly #store: CleanStore;
  readonly #options: CleanOptions;
  readonly #places: { readonly folder: string; readonly there: string };

  constructor(
    transport: Transport,
    ask: AskCluster,
    spool: FoundSpool,
    experiment: SpoolExperiment,
    store: CleanStore,
    options: CleanOptions,
  ) {
    this.#transport = transport;
    this.#ask = ask;
    this.#spool = spool;
    this.#experiment = experiment;
    this.#store = store;
    this.#options = options;
    const { experiment_id } = experiment;
    this.#places = {
      folder: store.experimentFolder(experiment_id),
      there: experimentFolderIn(spool.root, experiment_id),
    };
  }

  async run(): Promise<CleanedExperiment> {
    const { dryRun = false, discard = false } = this.#options;
    const hindrance = await this.#hindrance();
    if (hindrance !== undefined) return this.#left(hindrance);
    if (dryRun) return { ...this.#experiment, removed: false, would_remove: true, bytes: 0 };
    const bytes = await bringSegments(this.#transport, this.#spool, this.#places);
    if (!discard) await bringAllArtifacts(this.#transport, this.#ask, this.#places);
    const kept = discard ? ['segments'] : ['segments', 'artifacts', 'packs'];
    const differences = await findDifferences(this.#ask, this.#places, kept);
    const wrong = await bringPacks(this.#transport, this.#places, differences);
    if (wrong.length > 0)
      return this.#left(
        `${wrong.length} files are missing or different in the store, such as ${wrong[0]!.name}`,
        bytes,
      );
    const { queued, tokens } = await this.#queued();
    if (queued.length === 0 && (await removeExperiment(this.#ask, this.#places.there, tokens)))
      return { ...this.#experiment, removed: true, bytes };
    return this.#left('one of its arrays has entered the queue meanwhile', bytes);
  }

  /** The reason not to remove it, if there is one. */
  async #hindrance(): Promise<string | undefined> {
    const { lostStores = false, cancel = false, dryRun = false } = this.#options;
    const { experiment_id } = this.#experiment;
    if (!existsSync(this.#places.folder)) return 'this store does not have the experiment; another one may';
    const [unfinished] = await this.#store.unfinished(experiment_id);
    if (unfinished !== undefined)
      return `submission ${unfinished} has not ended: wait for it, or end it with metalab cancel ${experiment_id}`;
    const others = await this.#othersSubmissions();
    if (others.length > 0 && !lostStores)
      return `submission ${others[0]} is another store's: clean it with that store, or, if that is lost, with --lost-stores`;
    const { queued } = await this.#queued();
    if (queued.length === 0) return undefined;
    if (!cancel || queued.some(({ job }) => job === null)) return formatQueued(queued, others);
    if (!dryRun) await endQueued(this.#transport, this.#places, queued);
    return undefined;
  }

  async #othersSubmissions(): Promise<string[]> {
    const known = new Set(await listNames(submissionFolder(this.#places.folder, '')));
    const { stdout } = await this.#ask(['sh', '-c', SUBMISSIONS, 'metalab', this.#places.there]);
    return [...new Set(stdout.split('\n'))].filter((name) => name !== '' && !known.has(name));
  }

  #queued() {
    return findQueuedArrays(this.#ask, this.#places.there, this.#places.folder);
  }

  #left(why: string, bytes = 0): CleanedExperiment {
    const { dryRun } = this.#options;
    return { ...this.#experiment, removed: false, ...(dryRun && { would_remove: false }), bytes, why };
  }
}

function formatQueued(queued: readonly QueuedArray[], others: readonly string[]): string {
  const jobs = queued.flatMap(({ job }) => job ?? []);
  const { submission } = queued.find(({ job }) => job === null) ?? queued[0]!;
  const whose = `submission ${submission}${others.includes(submission) ? ' of another store' : ''}`;
  if (jobs.length < queued.length) return `${whose} is being submitted: try again in a few minutes`;
  const which = `job${jobs.length === 1 ? '' : 's'} ${jobs.join(', ')} of ${whose}`;
  const are = jobs.length === 1 ? 'is' : 'are';
  return `${which} ${are} in the queue or running: wait, or end ${jobs.length === 1 ? 'it' : 'them'} with --cancel`;
}
