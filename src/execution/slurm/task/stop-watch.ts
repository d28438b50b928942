import { basename } from 'node:path';
import { namesIn } from '../../../access/names-in.js';
import { cancelFile, yieldFile } from './array-files.js';

/** How often the array's folder is checked. */
const LOOK_MS = 1_000;
/** A signal this close to the end of the time limit is the one by which Slurm ends a task for its time. */
const LIMIT_MS = 60_000;

export type StopReason = 'yield' | 'cancel' | 'signal' | 'time';

/** Watches for everything that asks a task to stop: files in the array's folder, and Slurm's signal. */
export class StopWatch {
  reason: StopReason | undefined;
  readonly #array: string;
  readonly #endsAt: number | null;
  readonly #listeners = new Set<(reason: StopReason) => void>();
  readonly #timer: NodeJS.Timeout;
  readonly #onSignal = () => {
    // Cancelling an array ends with scancel: the reason was written to a file before.
    this.#look();
    this.#stop(this.#isTimeLimit() ? 'time' : 'signal');
  };

  /** @param endsAt when the time limit ends the task, wall clock, milliseconds; null if unknown */
  constructor(array: string, endsAt: number | null) {
    this.#array = array;
    this.#endsAt = endsAt;
    process.on('SIGTERM', this.#onSignal);
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#look();
  }

  onStop(listener: (reason: StopReason) => void): void {
    this.#listeners.add(listener);
    if (this.reason) listener(this.reason);
  }

  close(): void {
    clearInterval(this.#timer);
    process.off('SIGTERM', this.#onSignal);
  }

  #look(): void {
    // NFS may answer from its cache that a name does not exist; opening the folder shows new names.
    const names = namesIn(this.#array);
    if (names.includes(basename(cancelFile(this.#array)))) this.#stop('cancel');
    else if (names.includes(basename(yieldFile(this.#array)))) this.#stop('yield');
  }

  #isTimeLimit(): boolean {
    return this.#endsAt !== null && Date.now() > this.#endsAt - LIMIT_MS;
  }

  /** A later reason may ask for more, never for less. */
  #stop(reason: StopReason): void {
    if (this.reason && URGENCY[reason] <= URGENCY[this.reason]) return;
    this.reason = reason;
    for (const listener of this.#listeners) listener(reason);
  }
}

const URGENCY: { readonly [reason in StopReason]: number } = { yield: 0, signal: 1, time: 1, cancel: 2 };
