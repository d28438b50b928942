import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorDescription } from '../../definition/errors.js';
import type { JsonObject } from '../../definition/json.js';
import type { RunLogger, RunRuntime } from '../../definition/run-arguments.js';
import type { Seeds } from '../../definition/seeds.js';
import type { Cell } from '../../identity/cells.js';
import type { RunSink } from '../../operation/run-sink.js';
import { type ArgumentSource, LazyArguments } from '../../operation/typescript/arguments.js';
import type { RunCapture } from '../../operation/typescript/capture.js';

/** What a slot's runs share, created once. */
export interface RunDependencies {
  readonly sink: RunSink;
  readonly metadata: JsonObject;
  readonly scratch: string;
  seedsOf(replicate: number): Seeds;
  context(): unknown;
  progress(fraction: number): void;
}

/** Why a run in progress is interrupted, and how long it has to settle. */
export interface Interruption {
  readonly status: 'failed' | 'cancelled';
  readonly error: ErrorDescription | null;
  /** The AbortSignal's reason. */
  readonly reason: Error;
  readonly graceMs: number;
}

/** One attempt of a run, as the operation sees it. What the operation does not read is never created. */
export class Run implements ArgumentSource {
  readonly cell: Cell;
  readonly attempt: number;
  readonly args: LazyArguments;
  interruption: Interruption | undefined;
  closed = false;
  readonly #dependencies: RunDependencies;
  #runtime: Runtime | undefined;
  #onInterruption: ((interruption: Interruption) => void) | undefined;

  constructor(cell: Cell, attempt: number, dependencies: RunDependencies) {
    this.cell = cell;
    this.attempt = attempt;
    this.#dependencies = dependencies;
    this.args = new LazyArguments(this);
  }

  get runId(): string {
    return this.cell.runId;
  }

  get sink(): RunSink {
    return this.#dependencies.sink;
  }

  /** What was captured; undefined if the operation never read `capture`. */
  get captured(): RunCapture | undefined {
    return LazyArguments.captured(this.args);
  }

  /** Whether the operation has read its AbortSignal. */
  get hasSignal(): boolean {
    return this.#runtime?.hasSignal ?? false;
  }

  params(): JsonObject {
    return this.cell.case.frozenParams;
  }

  seeds(): Seeds {
    return this.#dependencies.seedsOf(this.cell.replicate);
  }

  context(): unknown {
    return this.#dependencies.context();
  }

  runtime(): RunRuntime {
    this.#runtime ??= new Runtime(this, this.#dependencies);
    return this.#runtime;
  }

  /** The first reason counts; later ones change nothing. */
  interrupt(interruption: Interruption): void {
    if (this.interruption) return;
    this.interruption = interruption;
    this.#runtime?.abort(interruption.reason);
    this.#onInterruption?.(interruption);
  }

  onInterruption(listener: (interruption: Interruption) => void): void {
    this.#onInterruption = listener;
    if (this.interruption) listener(this.interruption);
  }

  /** Ends the run: anything that the operation still does is ignored. */
  close(): void {
    this.closed = true;
    this.captured?.close();
    this.#runtime?.removeScratch();
  }
}

class Runtime implements RunRuntime {
  readonly runId: string;
  readonly attempt: number;
  readonly metadata: JsonObject;
  readonly logger: RunLogger;
  readonly #run: Run;
  readonly #dependencies: RunDependencies;
  #abortion: AbortController | undefined;
  #scratch: string | undefined;

  constructor(run: Run, dependencies: RunDependencies) {
    this.runId = run.runId;
    this.attempt = run.attempt;
    this.metadata = dependencies.metadata;
    this.logger = run.args.capture;
    this.#run = run;
    this.#dependencies = dependencies;
  }

  get scratchDir(): string {
    if (this.#scratch === undefined) {
      const folder = join(this.#dependencies.scratch, `${this.runId}-${this.attempt}`);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      this.#scratch = folder;
    }
    return this.#scratch;
  }

  get signal(): AbortSignal {
    if (!this.#abortion) {
      this.#abortion = new AbortController();
      if (this.#run.interruption) this.#abortion.abort(this.#run.interruption.reason);
    }
    return this.#abortion.signal;
  }

  get hasSignal(): boolean {
    return this.#abortion !== undefined;
  }

  progress(fraction: number): void {
    if (!Number.isFinite(fraction))
      throw new TypeError(`runtime.progress(${fraction}): expected a number from 0 to 1`);
    // The note already belongs to the next run.
    if (!this.#run.closed) this.#dependencies.progress(Math.min(1, Math.max(0, fraction)));
  }

  abort(reason: Error): void {
    this.#abortion?.abort(reason);
  }

  removeScratch(): void {
    if (this.#scratch !== undefined) rmSync(this.#scratch, { recursive: true, force: true });
  }
}
