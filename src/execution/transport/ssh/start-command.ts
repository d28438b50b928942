import { randomBytes } from 'node:crypto';
import type { ClientChannel } from 'ssh2';
import type { StartedCommand } from '../command.js';
import { lostError, TransportError } from '../transport-error.js';
import { commandLine } from './command-line.js';
import type { Session } from './session.js';

/** For a command that is to end: to say its pid, and to close its channel. */
const GRACE_MS = 2_000;
const LONGEST_TALK = 64 * 1024;

/** Starts a command on a connection. */
export async function startCommand(
  session: Session,
  command: readonly string[],
  signal: AbortSignal,
): Promise<StartedCommand> {
  const mark = `metalab${randomBytes(8).toString('hex')}`;
  const { channel, release } = await session.exec(commandLine(command, mark), signal);
  const talk: Uint8Array[] = [];
  let pid: number | undefined;
  let killed = false;
  let giveUp = (_: Error) => {};
  const end = () => {
    if (pid !== undefined) session.endProcessGroup(pid);
    channel.close();
    // Where nobody reads on, its `close` never comes.
    channel.resume().stderr.resume();
    setTimeout(
      () => giveUp(lostError(session.place, new Error(`${command[0]} was ended`))),
      GRACE_MS,
    ).unref();
  };
  const begun = (line: string) => {
    pid = Number(line);
    if (killed) end();
  };
  const exit = session.whileLive<Awaited<StartedCommand['exit']>>((resolve, reject) => {
    giveUp = reject;
    let exited: Awaited<StartedCommand['exit']> | undefined;
    channel.on('exit', (code: number | null, name?: string) => {
      exited = { exitCode: code, signal: name ?? null };
    });
    channel.once('close', () => {
      if (!exited) reject(lostError(session.place, new Error(`${command[0]} ended without a status`)));
      else if (pid === undefined && !killed) reject(notBegun(session.place, Buffer.concat(talk).toString()));
      else resolve(exited);
    });
  });
  exit.catch(() => {}).finally(release);
  return {
    stdin: channel,
    stdout: afterMark(channel, mark, talk),
    stderr: afterMark(channel.stderr, `${mark} `, talk, begun),
    exit,
    kill() {
      if (killed) return;
      killed = true;
      // By its pid if it has begun, which may be on its way.
      if (pid !== undefined) end();
      else setTimeout(() => pid ?? end(), GRACE_MS).unref();
    },
  };
}

/**
 * What a command writes: all after the line that begins with the mark.
 *
 * @param talk gets what was before
 */
async function* afterMark(
  chunks: ClientChannel | ClientChannel['stderr'],
  mark: string,
  talk: Uint8Array[],
  begun?: (rest: string) => void,
): AsyncIterable<Uint8Array> {
  let before: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    if (!before) {
      yield chunk;
      continue;
    }
    before = Buffer.concat([before, chunk]);
    const at = before.indexOf(mark);
    const end = at < 0 ? -1 : before.indexOf('\n', at);
    if (end < 0) {
      // A mark may be cut in two.
      if (before.length > LONGEST_TALK) before = before.subarray(-LONGEST_TALK);
      continue;
    }
    begun?.(before.toString('latin1', at + mark.length, end));
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
    expected: 'a login shell that runs what SSH asks for, and `sh` in its PATH',
  });
