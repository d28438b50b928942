import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { faultCode, storeFault } from '../../storage/file/faults.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { type SegmentKind, segmentKindOf, segmentsFolder } from '../../storage/file/layout.js';
import { listNames } from '../../storage/file/list-names.js';
import type { PlanManifest, SubmissionOutcome } from '../../storage/manifest.js';
import { type StartedRun, StartedRuns } from './started-runs.js';

export interface SubmissionPlace {
  readonly store: FileStore;
  readonly experiment_id: string;
  readonly submission: string;
}

const EVERY_MS = 100;

/** What has changed in a submission's files. */
export interface Changes {
  /** Once it is there. */
  readonly plan: PlanManifest | undefined;
  /** Runs that have been running for over a second. */
  readonly started: readonly StartedRun[];
  /** These contain everything that a run logged, at the latest together with its record. */
  readonly grown: readonly GrownSegment[];
  readonly outcome: SubmissionOutcome | undefined;
}

export interface GrownSegment {
  readonly kind: SegmentKind;
  readonly path: string;
  readonly size: number;
}

/** An item of a linked list, so that slow watchers get all changes too, and changes that all have got are freed. */
interface Link {
  readonly changes: Changes;
  next: Promise<Link> | undefined;
}

/** One submission's files, read once for everyone in this process who watches them, while somebody does. */
class WatchedFiles {
  watchers = 0;
  readonly #place: SubmissionPlace;
  readonly #segments = new Map<string, GrownSegment>();
  #plan: PlanManifest | undefined;
  #started: StartedRuns | undefined;
  #last: Link = { changes: { plan: undefined, started: [], grown: [], outcome: undefined }, next: undefined };

  constructor(place: SubmissionPlace) {
    this.#place = place;
  }

  async *changes(ended: Promise<unknown>): AsyncGenerator<Changes, void> {
    const wake = new AbortController();
    let failure: { readonly error: unknown } | undefined;
    ended
      .catch((error: unknown) => {
        failure = { error };
      })
      .then(() => wake.abort());
    await this.#after(this.#last);
    let link = this.#last;
    yield {
      plan: this.#plan,
      started: this.#started?.running ?? [],
      grown: [...this.#segments.values()],
      outcome: link.changes.outcome,
    };
    for (;;) {
      const { signal } = wake;
      // A reading in progress may have begun before the last that was written.
      const over = link.next ? undefined : failure;
      if (!link.next) await sleep(EVERY_MS, undefined, signal.aborted ? {} : { signal }).catch(() => {});
      const next = await this.#after(link);
      if (next !== link) yield next.changes;
      else if (over) throw over.error;
      link = next;
    }
  }

  /** @returns the same link again if nothing has changed */
  #after(link: Link): Promise<Link> {
    link.next ??= this.#read().then(
      (changes) => {
        if (changes) this.#last = { changes, next: undefined };
        else link.next = undefined;
        return this.#last;
      },
      (error: unknown) => {
        link.next = undefined;
        throw error;
      },
    );
    return link.next;
  }

  async #read(): Promise<Changes | undefined> {
    const { store, experiment_id, submission } = this.#place;
    // Read first, so that everything that was written before the outcome is found below.
    const outcome = await store.readOutcome(experiment_id, submission);
    const plan = this.#plan ? undefined : await store.readPlan(experiment_id, submission);
    this.#plan ??= plan;
    if (this.#plan) this.#started ??= new StartedRuns(store, this.#plan);
    const started = outcome ? [] : ((await this.#started?.read()) ?? []);
    const grown = [...(await this.#findGrown('records')), ...(await this.#findGrown('logs'))];
    for (const segment of grown) this.#segments.set(segment.path, segment);
    const isChange = plan || outcome || started.length + grown.length > 0;
    return isChange ? { plan, started, grown, outcome } : undefined;
  }

  async #findGrown(kind: SegmentKind): Promise<GrownSegment[]> {
    const { store, experiment_id, submission } = this.#place;
    const folder = segmentsFolder(store.experimentFolder(experiment_id), submission);
    const names = (await listNames(folder)).filter((name) => segmentKindOf(name) === kind);
    const segments = await Promise.all(
      names.map(async (name) => ({ kind, path: join(folder, name), size: await sizeOf(join(folder, name)) })),
    );
    return segments.filter(({ path, size }) => size > (this.#segments.get(path)?.size ?? 0));
  }
}

/** Opens the file: NFS may otherwise give a size that it remembers from up to a minute ago. */
async function sizeOf(path: string): Promise<number> {
  try {
    const file = await open(path);
    try {
      return (await file.stat()).size;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (faultCode(error) === 'ENOENT') return 0;
    throw storeFault(error, path);
  }
}

const watched = new Map<string, WatchedFiles>();

/**
 * What has changed in a submission's files so far, at once, and then all further changes.
 *
 * @param ended resolves with the outcome; throws what it rejects with, after what was written before
 */
export async function* watchFiles(
  place: SubmissionPlace,
  ended: Promise<unknown>,
): AsyncGenerator<Changes, void> {
  const { store, experiment_id, submission } = place;
  const key = `${store.uri} ${experiment_id} ${submission}`;
  const files = watched.get(key) ?? new WatchedFiles(place);
  watched.set(key, files);
  files.watchers++;
  try {
    yield* files.changes(ended);
  } finally {
    if (--files.watchers === 0) watched.delete(key);
  }
}
