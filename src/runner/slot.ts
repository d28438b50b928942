import { hostname } from 'node:os';
import { ContextPlaces } from '../definition/context-places.js';
import { contextView } from '../definition/context-view.js';
import type { ExperimentDeclaration } from '../definition/declaration.js';
import { Cells } from '../identity/cells.js';
import { type PlanEntries, readEntries, verifyEntries } from '../storage/file/formats/plan-entries.js';
import { RecordLines } from '../storage/file/formats/record-line.js';
import { newWriterName } from '../storage/file/formats/segment-writer.js';
import { declarationFile } from '../storage/file/layout.js';
import { readSubmissionJson, readSubmissionPlan } from '../storage/file/submission-file.js';
import type { PlanManifest } from '../storage/manifest.js';
import { Chunk, type ChunkEnd } from './chunk.js';
import type { OperationHost } from './hosts/operation-host.js';
import { startHost } from './hosts/start-host.js';
import { PrintedOutput } from './outputs/printed-output.js';
import { RecordWriter } from './outputs/record-writer.js';
import { RunOutputs } from './outputs/run-outputs.js';
import type { ChildProcesses } from './processes/child-processes.js';
import type { ProcessState } from './processes/process-state.js';
import { NOTE_FD, SlotStatusFile } from './protocol/note.js';
import type { ChunkRequest, FromSlot, SlotSetup } from './protocol/protocol.js';
import { ContextGuard } from './run/context-guard.js';
import { RunExecutor } from './run/execute-run.js';
import { cancelInterruption, unhandledErrorInterruption } from './run/interruptions.js';
import { RunDerivations } from './run/run-derivations.js';
import { endedOrigin } from './run/run-origin.js';
import { reseedRandom } from './run/seeded-random.js';
import { taskMeasures } from './run/task-measures.js';

/** What the slot's process provides. */
export interface SlotProcess {
  readonly send: (message: FromSlot) => void;
  /** Ends the process immediately, bypassing any hooks of user code. */
  readonly exit: () => never;
  readonly holdEventLoop: (held: boolean) => void;
  readonly state: ProcessState;
  readonly children: ChildProcesses;
}

/** The slot's state for one submission, which chunks reuse. */
export class Slot {
  readonly writer: string;
  readonly #plan: PlanEntries;
  readonly #executor: RunExecutor;
  readonly #host: OperationHost;
  readonly #makeChunk: (order: ChunkRequest) => Chunk;
  readonly #outputs: RunOutputs;
  readonly #note: SlotStatusFile;
  readonly #inTask: boolean;
  readonly #derivations: RunDerivations | undefined;
  #chunk: Chunk | undefined;

  /** @throws what the user's modules throw at import, or the system's error if the submission can't be read */
  static async open(setup: SlotSetup, slotProcess: SlotProcess): Promise<Slot> {
    const file = declarationFile(setup.folder, setup.declaration);
    const declaration = await readSubmissionJson<ExperimentDeclaration>(file, setup.declaration);
    const plan = await readSubmissionPlan(setup.folder, setup.submission);
    await verifyEntries(setup.folder, plan);
    const writer = newWriterName(setup.writer_prefix);
    reseedRandom(declaration.operation.code_fingerprint);
    // Before the import, because modules may print, and keep the streams.
    const outputs = new RunOutputs(setup.folder, setup.submission, writer, (error) => slot?.fail(error));
    const output = new PrintedOutput((level, line) => {
      const origin = endedOrigin();
      if (origin) outputs.logOf(origin.cell, origin.attempt, level, line);
      else outputs.log(level, line);
    });
    let slot: Slot | undefined;
    const host = await startHost(setup.folder, declaration.operation);
    slot = new Slot(setup, slotProcess, { declaration, plan, writer, outputs, output, host });
    return slot;
  }

  private constructor(
    setup: SlotSetup,
    slotProcess: SlotProcess,
    loaded: {
      readonly declaration: ExperimentDeclaration;
      readonly plan: PlanManifest;
      readonly writer: string;
      readonly outputs: RunOutputs;
      readonly output: PrintedOutput;
      readonly host: OperationHost;
    },
  ) {
    const { declaration, writer, outputs, output, host } = loaded;
    const { retries, timeout_ms: timeoutMs } = declaration;
    const note = new SlotStatusFile(NOTE_FD);
    const cells = new Cells(declaration);
    const places = new ContextPlaces(setup.files);
    const guard = setup.found ? new ContextGuard(setup.found) : new ContextGuard(declaration.files, places);
    const records = new RecordWriter(setup.folder, setup.submission, writer, outputs, guard);
    const provenance = { host: hostname(), slot: writer, node: process.versions.node, ...setup.provenance };
    const lines = new RecordLines(declaration, provenance, setup.task && taskMeasures(setup.task));
    let context: unknown;
    const dependencies = {
      sink: outputs,
      metadata: declaration.metadata,
      scratch: setup.scratch,
      seedsOf: (replicate: number) => cells.seedsOf(replicate),
      context: () => {
        context ??= contextView(declaration.context, places);
        return context;
      },
      progress: (fraction: number) => note.progress(fraction),
    };
    this.writer = writer;
    this.#inTask = setup.task !== undefined;
    this.#outputs = outputs;
    this.#host = host;
    this.#note = note;
    this.#plan = readEntries(setup.folder, loaded.plan);
    this.#executor = new RunExecutor(
      {
        host,
        dependencies,
        note,
        output,
        outputs,
        state: slotProcess.state,
        children: slotProcess.children,
        holdEventLoop: slotProcess.holdEventLoop,
        retries,
        timeoutMs,
        inTask: this.#inTask,
      },
      {
        onOutcome: (cell, outcome) => this.#chunk?.onOutcome(cell, outcome),
        onWait: () => this.#chunk?.onWait(),
        onGiveUp: () => {
          this.#chunk?.flush();
          return slotProcess.exit();
        },
      },
    );
    const place = { folder: setup.folder, submission: setup.submission, writer };
    this.#derivations =
      declaration.derived && host.derived
        ? new RunDerivations(
            host.derived,
            declaration.derived,
            place,
            outputs,
            timeoutMs,
            loaded.plan.derived_owners,
          )
        : undefined;
    const parts = {
      cells,
      executor: this.#executor,
      lines,
      records,
      outputs,
      note,
      retries,
      objective: declaration.objective,
      derivations: this.#derivations,
      send: slotProcess.send,
    };
    this.#makeChunk = (order) => new Chunk(parts, order);
    output.open();
    slotProcess.state.remember();
    slotProcess.children.remember();
  }

  async execute(order: ChunkRequest): Promise<ChunkEnd> {
    const chunk = this.#makeChunk(order);
    this.#chunk = chunk;
    try {
      return await chunk.run(await this.#plan.slice(order.from, order.to));
    } finally {
      this.#chunk = undefined;
    }
  }

  /** Frees what the operation's host keeps. Called while no chunk is in progress. */
  async close(): Promise<void> {
    await this.#host.stop();
  }

  stop(how: 'yield' | 'cancel'): void {
    this.#chunk?.stop();
    if (how !== 'cancel') return;
    this.#executor.current?.interrupt(cancelInterruption());
    this.#derivations?.stop();
  }

  /** A cluster's scheduler signals all processes of a task that it ends. No run fails because of that. */
  terminated(): void {
    if (!this.#inTask) return;
    this.#chunk?.stop();
    this.#derivations?.stop();
    this.#executor.endedFromOutside();
  }

  /** The event loop is empty but for the channel to the parent. */
  eventLoopEmpty(): void {
    this.#executor.eventLoopEmpty();
  }

  fail(error: unknown): void {
    this.#chunk?.fail(error);
  }

  unhandled(thrown: unknown, kind: 'rejection' | 'exception'): void {
    const interruption = unhandledErrorInterruption(thrown, kind);
    const origin = endedOrigin();
    const run = this.#executor.current;
    // Its run is recorded already, so it can only be logged.
    const message = `after the run had ended: ${interruption.reason.message}`;
    if (origin) this.#outputs.logOf(origin.cell, origin.attempt, 'error', message);
    else if (run) run.interrupt(interruption);
    else this.#outputs.log('error', message);
  }

  /** The operation ends the process: its run is recorded first, unless leftover code of an earlier run does it. */
  exiting(exitCode: number): void {
    const origin = endedOrigin();
    if (origin) {
      const message = `after the run had ended: it ended the process with exit code ${exitCode}`;
      this.#outputs.logOf(origin.cell, origin.attempt, 'error', message);
      // Without a run in the note, the parent has the run in progress executed again.
      this.#note.idle();
    } else this.#executor.endByExit(exitCode);
    this.#chunk?.flush();
  }
}
