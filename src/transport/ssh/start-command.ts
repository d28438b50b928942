import { randomBytes } from 'node:crypto';
import type { ClientChannel } from 'ssh2';
import type { StartedCommand } from '../command.js';
import { lostError, TransportError } from '../transport-error.js';
import { commandLine } from './command-line.js';
import type { Session } from './session.js';

/** How long an ending command has to report its pid, and to close its channel. */
const GRACE_MS = 2_000;
/** How much of what a login shell prints before the mark is kept. */
const MAX_KEPT_BYTES = 64 * 1024;

/** Starts a command on a connection. */
export function startCommand(
  session: Session,
  command: readonly string[],
  signal: AbortSignal,
): Promise<StartedCommand> {
  const mark = `metalab${randomBytes(8).toString('hex')}`;
  const begin = (channel: ClientChannel, release: () => void) =>
    begunCommand(session, command[0] ?? '', channel, mark, release);
  return session.exec(commandLine(command, mark), signal, begin, (begun) => {
    // Its pid, which is needed to end it, comes with its output.
    begun.kill();
    for (const output of [begun.stdout, begun.stderr]) void drain(output);
  });
}

function begunCommand(
  session: Session,
  name: string,
  channel: ClientChannel,
  mark: string,
  release: () => void,
): StartedCommand {
  const talk: Uint8Array[] = [];
  let began = false;
  let pid: number | undefined;
  let killed = false;
  let giveUp = (_: Error) => {};
  const end = () => {
    if (pid !== undefined) session.endProcessGroup(pid);
    channel.close();
    // If nobody reads on, `close` never comes.
    channel.resume().stderr.resume();
    setTimeout(() => giveUp(lostError(session.place, new Error(`${name} was ended`))), GRACE_MS).unref();
  };
  const exit = session.whileLive<Awaited<StartedCommand['exit']>>((resolve, reject) => {
    giveUp = reject;
    let exited: Awaited<StartedCommand['exit']> | undefined;
    channel.on('exit', (code: number | null, signal?: string) => {
      exited = { exitCode: code, signal: signal ?? null };
    });
    // The readers get the rest of its output first.
    channel.once('close', () =>
      setImmediate(() => {
        if (!exited) reject(lostError(session.place, new Error(`${name} ended without a status`)));
        else if (!began && !killed) reject(notBegun(session.place, Buffer.concat(talk).toString()));
        else resolve(exited);
      }),
    );
  });
  exit.catch(() => {}).finally(release);
  return {
    stdin: channel,
    stdout: afterMark(channel, mark, talk, () => {
      began = true;
    }),
    stderr: afterMark(channel.stderr, `${mark} `, talk, (line) => {
      began = true;
      pid = Number(line);
      if (killed) end();
    }),
    exit,
    kill() {
      if (killed) return;
      killed = true;
      // Ended by its pid, which may not have arrived yet.
      if (pid !== undefined) end();
      else setTimeout(() => pid ?? end(), GRACE_MS).unref();
    },
  };
}

async function drain(output: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of output);
}

/**
 * A command's output: everything after the line that begins with the mark.
 *
 * @param talk gets the text before it
 */
async function* afterMark(
  chunks: ClientChannel | ClientChannel['stderr'],
  mark: string,
  talk: Uint8Array[],
  begun: (rest: string) => void,
): AsyncIterable<Uint8Array> {
  let before: Buffer | undefined = Buffer.alloc(0);
  // Not destroyed at the end of its output: its exit status comes after that.
  for await (const chunk of chunks.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    if (!before) {
      yield chunk;
      continue;
    }
    before = Buffer.concat([before, chunk]);
    const at = before.indexOf(mark);
    const end = at < 0 ? -1 : before.indexOf('\n', at);
    if (end < 0) {
      // A mark may be split between two chunks.
      if (before.length > MAX_KEPT_BYTES) before = before.subarray(-MAX_KEPT_BYTES);
      continue;
    }
    begun(before.toString('latin1', at + mark.length, end));
    const rest = before.subarray(end + 1);
    before = undefined;
    if (rest.length > 0) yield rest;
  }
  if (before) talk.push(before);
}

const notBegun = (place: string, talk: string) =>
  new TransportError({
    code: 'METALAB_TRANSPORT_UNREACHABLE',
    what: `the login shell ended before the command began${talk.trim() ? `: ${talk.trim()}` : ''}`,
    where: place,
    expected: 'a login shell that runs the commands of SSH, and `sh` in its PATH',
  });
