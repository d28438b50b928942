import type { RangeRequest } from '../executor.js';
import { defaultMemoryBytes } from './memory.js';
import { SlotProcess } from './slot-process.js';

export interface SlotPoolOptions {
  readonly runner: string;
  readonly idleMs: number;
  readonly provenance: { readonly [key: string]: string | number };
}

/** Slots, kept warm between chunks of the same submission. */
export class SlotPool {
  readonly #options: SlotPoolOptions;
  /** Idle slots by submission, each with the timer that ends it. */
  readonly #idle = new Map<string, Map<SlotProcess, NodeJS.Timeout>>();
  readonly #busy = new Set<SlotProcess>();
  readonly #ending = new Set<Promise<void>>();
  #closed = false;

  constructor(options: SlotPoolOptions) {
    this.#options = options;
  }

  /** A warm slot of the submission, or a new one, which may not be ready yet. */
  take(range: RangeRequest): SlotProcess {
    const slot = this.#takeIdle(range.setup.submission) ?? this.#start(range);
    slot.hold(true);
    this.#busy.add(slot);
    return slot;
  }

  /** Returns a free slot: it is kept for the submission's next chunk, or forgotten if it has ended. */
  give(slot: SlotProcess): void {
    this.#busy.delete(slot);
    if (!slot.alive) return;
    slot.hold(false);
    const { submission } = slot.options.setup;
    const idle = this.#idle.get(submission) ?? new Map<SlotProcess, NodeJS.Timeout>();
    this.#idle.set(submission, idle);
    const timer = setTimeout(() => {
      this.#forget(slot);
      this.#end(slot);
    }, this.#options.idleMs);
    idle.set(slot, timer.unref());
  }

  /** The slot has done its work and ends by itself. */
  retire(slot: SlotProcess): void {
    this.#busy.delete(slot);
    if (slot.alive) this.#end(slot);
  }

  /** Ends a slot that must not be used again. */
  drop(slot: SlotProcess): void {
    this.#busy.delete(slot);
    slot.kill();
  }

  async release(submission: string): Promise<void> {
    for (const slot of [...(this.#idle.get(submission)?.keys() ?? [])]) {
      this.#forget(slot);
      this.#end(slot);
    }
    await Promise.all(this.#ending);
  }

  /** When closed, no slot is started any more, and slots die only because the worker ends. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Starts no further slots; busy ones continue. */
  drain(): void {
    this.#closed = true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const slot of this.#busy) slot.kill();
    await Promise.all([...this.#idle.keys()].map((submission) => this.release(submission)));
  }

  #takeIdle(submission: string): SlotProcess | undefined {
    for (const slot of [...(this.#idle.get(submission)?.keys() ?? [])]) {
      this.#forget(slot);
      if (slot.alive) return slot;
    }
    return undefined;
  }

  #start(range: RangeRequest): SlotProcess {
    const { runner, provenance } = this.#options;
    const memoryBytes = range.memory_bytes ?? defaultMemoryBytes();
    const { cwd, env } = range;
    return new SlotProcess({ runner, setup: { ...range.setup, provenance }, cwd, env, memoryBytes });
  }

  #end(slot: SlotProcess): void {
    const ended = slot.end().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #forget(slot: SlotProcess): void {
    const { submission } = slot.options.setup;
    const idle = this.#idle.get(submission);
    clearTimeout(idle?.get(slot));
    idle?.delete(slot);
    if (idle?.size === 0) this.#idle.delete(submission);
  }
}
