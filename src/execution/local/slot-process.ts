import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import type { ErrorDescription } from '../../definition/errors.js';
import type {
  ChunkReport,
  ChunkRequest,
  FromSlot,
  SlotSetup,
  ToSlot,
} from '../../runner/protocol/protocol.js';
import { killSession, SLOT_VARIABLE } from '../../runner/protocol/session.js';
import { temporaryName } from '../../storage/file/owner.js';
import { heapMegabytes } from './memory.js';
import type { KillReason, SlotDeath } from './slot-death.js';
import { SlotFiles } from './slot-files.js';

/** An import that takes longer than this is assumed never to end. */
const START_MS = 120_000;
/** How long messages that a dying slot has sent are still read, at most. */
const DRAIN_MS = 500;

export interface SlotOptions {
  /** Path of the runner's bundle. */
  readonly runner: string;
  readonly setup: Omit<SlotSetup, 'scratch'>;
  readonly cwd: string;
  readonly env: { readonly [name: string]: string };
  readonly memoryBytes: number;
}

/** How a chunk ended: with a report, with a fault of the executor, or with the slot's death. */
export type SlotEnd =
  | { readonly kind: 'report'; readonly report: ChunkReport }
  | {
      readonly kind: 'fault';
      readonly code: string;
      readonly error: ErrorDescription;
      readonly report: ChunkReport;
    }
  | { readonly kind: 'death'; readonly death: SlotDeath };

type Progress = Extract<FromSlot, { type: 'progress' }>['report'];

const NOTHING: Progress = { success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} };

/** One slot: its process, as the parent sees it. */
export class SlotProcess {
  readonly options: SlotOptions;
  readonly files: SlotFiles;
  /** Counts of the chunk in progress, and the length of its segment, as of the slot's last message. */
  progress = NOTHING;
  segmentBytes = 0;
  /** The name of its segments, known when it is ready. */
  writer: string | undefined;
  readonly #child: ChildProcess;
  #waiting: ((end: SlotEnd | 'ready') => void) | undefined;
  #end: SlotEnd | undefined;
  #killed: KillReason | undefined;
  readonly #ended: Promise<void>;

  constructor(options: SlotOptions) {
    const { runner, setup, cwd, env, memoryBytes } = options;
    this.options = options;
    this.files = new SlotFiles(env.TMPDIR || tmpdir());
    const { note, stdout, stderr, scratch } = this.files;
    const heap = `--max-old-space-size=${heapMegabytes(memoryBytes)}`;
    this.#child = spawn(process.execPath, [heap, runner, String(process.pid)], {
      cwd,
      env: { ...env, [SLOT_VARIABLE]: temporaryName() },
      stdio: ['ignore', stdout, stderr, 'ipc', note],
      // Its own process group: a terminal's Ctrl-C does not reach it, and it can be killed with everything that it
      // started.
      detached: true,
    });
    this.#child.on('message', (message: FromSlot) => this.#receive(message));
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (exitCode, signal) => void this.#die(exitCode, signal).then(resolve));
      this.#child.on('error', (error) => {
        if (this.pid === undefined) this.#settle(startFault(error, cwd));
        resolve();
      });
    });
    this.#send({ type: 'setup', setup: { ...setup, scratch } });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#end === undefined;
  }

  /** @returns undefined if the slot accepts chunks, else how it ended */
  async ready(): Promise<SlotEnd | undefined> {
    const timer = setTimeout(() => this.kill({ kind: 'start', waitedMs: START_MS }), START_MS);
    try {
      const end = this.writer === undefined ? await this.#wait() : 'ready';
      return end === 'ready' ? undefined : end;
    } finally {
      clearTimeout(timer);
    }
  }

  async execute(order: ChunkRequest): Promise<SlotEnd> {
    this.progress = NOTHING;
    this.#send({ type: 'chunk', order });
    return (await this.#wait()) as SlotEnd;
  }

  stop(how: 'yield' | 'cancel'): void {
    this.#send({ type: how });
  }

  /** Ends the slot and every process that it started. */
  kill(reason?: KillReason): void {
    this.#killed ??= reason;
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) killGroup(pid);
  }

  /** Ends an idle slot: on request if it still answers, else by force. */
  async end(): Promise<void> {
    this.#send({ type: 'end' });
    const timer = setTimeout(() => this.kill(), 1_000);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Whether the slot keeps this process alive. */
  hold(held: boolean): void {
    const how = held ? 'ref' : 'unref';
    this.#child[how]();
    (this.#child.channel as { ref(): void; unref(): void } | null | undefined)?.[how]();
  }

  #send(message: ToSlot): void {
    // The exit handler notices a slot that has just died, not this line.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  #wait(): Promise<SlotEnd | 'ready'> {
    if (this.#end) return Promise.resolve(this.#end);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  #receive(message: FromSlot): void {
    switch (message.type) {
      case 'ready':
        this.writer = message.writer;
        this.#answer('ready');
        break;
      case 'progress':
        this.progress = message.report;
        this.segmentBytes = message.segment_bytes;
        break;
      case 'report':
        this.segmentBytes = message.segment_bytes;
        this.#answer({ kind: 'report', report: message.report });
        break;
      case 'fault':
        this.#end = { kind: 'fault', code: message.code, error: message.error, report: message.report };
        this.#answer(this.#end);
        break;
    }
  }

  async #die(exitCode: number | null, signal: NodeJS.Signals | null): Promise<void> {
    if (this.#child.connected) {
      await Promise.race([
        new Promise((resolve) => this.#child.once('disconnect', resolve)),
        new Promise((resolve) => setTimeout(resolve, DRAIN_MS)),
      ]);
    }
    killGroup(this.#child.pid!);
    // A slot that ended by itself has ended its runs' processes before, even those with their own process group.
    if (exitCode !== 0) killSession(this.#child.pid!);
    const death: SlotDeath = {
      exitCode,
      signal,
      killed: this.#killed,
      note: this.files.readNote(),
      output: this.files.output(),
      memoryBytes: this.options.memoryBytes,
    };
    this.#settle({ kind: 'death', death });
  }

  #settle(end: SlotEnd): void {
    this.#end ??= end;
    this.files.remove();
    this.#answer(this.#end);
  }

  #answer(end: SlotEnd | 'ready'): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(end);
  }
}

function startFault(error: Error, cwd: string): SlotEnd {
  const message = `a slot could not be started in ${cwd}: ${error.message}; check that the folder exists and is accessible`;
  return {
    kind: 'fault',
    code: 'SLOT_START',
    error: { type: error.name, message },
    report: { next: 0, ...NOTHING },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has no process left.
  }
}
