// The slot's program: one bundled file without Temporal, spoken to over the IPC channel (see protocol.ts).
import { rmSync } from 'node:fs';
import { StoreError } from '../definition/errors.js';
import { ChildProcesses } from './processes/child-processes.js';
import { ProcessState } from './processes/process-state.js';
import { catchUnhandledErrors, countPromises } from './processes/unhandled-errors.js';
import { killOwnGroup, startWatchdog } from './processes/watchdog.js';
import type { ChunkReport, FromSlot, SlotSetup, ToSlot } from './protocol/protocol.js';
import { describeRunError } from './run/describe-run-error.js';
import { patchRandom } from './run/seeded-random.js';
import { Slot } from './slot.js';

const parent = takeParent();
const send = takeChannel();
// Node's last step of every exit. Libraries patch it too; it is not in Node's types.
const node = process as unknown as { reallyExit: (code?: number) => never };
const reallyExit = node.reallyExit.bind(process);
let slot: Slot | undefined;
let scratch: string | undefined;
const watchedProcess = { state: new ProcessState(), children: new ChildProcesses() };

const watched = startWatchdog(parent);
watched.catch(() => {});
process.setSourceMapsEnabled(true);
patchRandom();
countPromises();
catchUnhandledErrors((thrown, kind) => (slot ? slot.unhandled(thrown, kind) : fault('IMPORT', thrown)));
// `process.exit` gets here after its listeners: the run that called it is recorded first.
node.reallyExit = (code = 0) => {
  slot?.exiting(code);
  return reallyExit(code);
};
// Signals of a terminal or job are meant for the parent, which decides what happens to the runs.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('SIGTERM', () => slot?.terminated());
// Emitted only while an operation is awaited that nothing can settle any more: otherwise the channel keeps the event
// loop running.
process.on('beforeExit', () => slot?.eventLoopEmpty());
process.on('message', (message: ToSlot) => {
  switch (message.type) {
    case 'setup':
      void open(message.setup);
      break;
    case 'chunk':
      void execute(message.order);
      break;
    case 'end':
      void Promise.resolve(slot?.close()).finally(() => reallyExit(0));
      break;
    default:
      slot?.stop(message.type);
  }
});

async function open(setup: SlotSetup): Promise<void> {
  scratch = setup.scratch;
  if (setup.umask !== undefined) process.umask(setup.umask);
  try {
    slot = await Slot.open(setup, { send, exit: () => reallyExit(0), holdEventLoop, ...watchedProcess });
    // Without the watchdog the slot could outlive its worker, so no run begins before it watches.
    await watched.catch((error: unknown) => fault('SLOT_START', error));
    send({ type: 'ready', writer: slot.writer });
  } catch (error) {
    // On a network filesystem a file of the submission may appear a moment later, so only errors thrown by modules are
    // final.
    fault(error instanceof StoreError ? 'FILES' : 'IMPORT', error);
  }
}

async function execute(order: Extract<ToSlot, { type: 'chunk' }>['order']): Promise<void> {
  try {
    const { report, fault, segment_bytes } = await slot!.execute(order);
    if (fault) send({ type: 'fault', ...fault, report }, () => reallyExit(0));
    else send({ type: 'report', report, segment_bytes });
  } catch (error) {
    fault('SLOT', error);
  }
}

/** Reports that nothing was executed: records that were written anyway are found by the next plan. */
function fault(code: string, thrown: unknown): void {
  const report: ChunkReport = { next: 0, success: 0, failed: 0, cancelled: 0, busy_ms: 0, means: {} };
  send({ type: 'fault', code, error: describeRunError(thrown), report }, () => reallyExit(0));
}

/** Sets whether the channel to the parent keeps the event loop running. */
function holdEventLoop(held: boolean): void {
  const channel = process.channel as { ref(): void; unref(): void } | undefined;
  if (held) channel?.ref();
  else channel?.unref();
}

/** The parent was killed and can't tidy up: this slot ends, and so do the processes that its runs started. */
function endOrphaned(): void {
  try {
    if (scratch !== undefined) rmSync(scratch, { recursive: true, force: true });
  } finally {
    killOwnGroup();
  }
}

/** The parent's process id is an argument, because `process.ppid` changes when the parent is killed. */
function takeParent(): number {
  return Number(process.argv.splice(2, 1)[0] ?? process.ppid);
}

/** Hides the channel from the operation: libraries take a process with a channel for one of their own children. */
function takeChannel(): (message: FromSlot, done?: () => void) => void {
  const channelSend = process.send!.bind(process);
  // `connected` and `channel` must stay, because Node needs them to send. Node calls `disconnect` when the other end is
  // gone: the parent was killed, nobody is left to report to, and the run in progress has not failed.
  Reflect.deleteProperty(process, 'send');
  process.disconnect = endOrphaned;
  return (message, done) => {
    channelSend(message, done ?? (() => {}));
  };
}
