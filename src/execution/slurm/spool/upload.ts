import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { eachAtOnce } from '../../../definition/each-at-once.js';
import { hashContent } from '../../../identity/hash-content.js';
import { askRoom, noRoomFor, parentOf } from '../../../transport/room.js';
import type { Transport } from '../../../transport/transport.js';
import { type ClusterRetry, placeFault } from '../cluster-retry.js';

/** One file for the cluster: a file on this machine, or bytes. */
export interface Upload {
  readonly from: { readonly path: string } | { readonly bytes: string | Uint8Array };
  readonly to: string;
  readonly mode?: number;
  /** Its expected content: a file that may have been changed is checked before it is sent. */
  readonly sha256?: string | undefined;
  /** Its expected length, if it differs from the length here now. Bytes. */
  readonly size?: number | undefined;
}

const AT_ONCE = 4;

/** Prints the lengths of those paths on its input that exist, each followed by NUL. */
const SIZES = `exec xargs -0 sh -c 'find -L "$@" -maxdepth 0 -type f -printf "%s %p\\0" 2>/dev/null; :' sh`;

/**
 * Uploads what is missing on the cluster; one command asks for all files. Files get their name once they are complete,
 * and names identify the content, so only the length of existing files is checked: a server that crashed may have kept
 * a name without bytes.
 *
 * @param records_bytes what runs will write there: nothing is uploaded unless there is room for that too
 * @returns how many were uploaded
 * @throws ExecutionFault with code `FILES` if a file on this machine is not as expected
 */
export async function uploadMissing(
  transport: Transport,
  retry: ClusterRetry,
  uploads: readonly Upload[],
  records_bytes = 0,
): Promise<number> {
  const wanted = new Map(uploads.map((upload) => [upload.to, upload]));
  if (wanted.size === 0) return 0;
  const { stdout } = await retry.ask(['sh', '-c', SIZES], {
    stdin: `${[...wanted.keys()].join('\0')}\0`,
    timeout_ms: 300_000,
  });
  const sizes = new Map<string, number>();
  for (const line of stdout.split('\0'))
    sizes.set(line.slice(line.indexOf(' ') + 1), Number.parseInt(line, 10));
  const missing: string[] = [];
  let bytes = 0;
  for (const [path, upload] of wanted)
    if (!sizes.has(path) || sizes.get(path) !== (await sizeOf(upload))) {
      missing.push(path);
      bytes += await sizeOf(upload);
    }
  bytes += records_bytes;
  if (bytes > 0) await retry.until(() => requireRoom(transport, parentOf(uploads[0]!.to), bytes));
  await eachAtOnce(missing, AT_ONCE, async (name) => {
    const upload = wanted.get(name)!;
    const { from, to, mode } = upload;
    await verify(upload);
    const options = mode === undefined ? {} : { mode };
    await retry.until(() =>
      'path' in from ? transport.put(from.path, to, options) : transport.write(from.bytes, to, options),
    );
  });
  return missing.length;
}

/** A file of this size is certain to be written to disk, so that an exhausted quota is noticed. */
const PROBE_BYTES = 64 * 1024;

/** @throws TransportError METALAB_TRANSPORT_NO_SPACE */
async function requireRoom(transport: Transport, folder: string, bytes: number): Promise<void> {
  const room = await askRoom((command) => transport.run(command), folder, PROBE_BYTES);
  const full = noRoomFor(transport.place, 'uploads and records', Math.max(bytes, PROBE_BYTES), room);
  if (full) throw full;
}

async function sizeOf({ from, size }: Upload): Promise<number> {
  if (size !== undefined) return size;
  return 'path' in from ? (await stat(from.path)).size : Buffer.byteLength(from.bytes);
}

async function verify({ from, sha256 }: Upload): Promise<void> {
  if (sha256 === undefined || !('path' in from)) return;
  const found = await hashContent(from.path).then(
    ({ content_hash }) => content_hash,
    (error: Error) => error.message,
  );
  if (found === sha256) return;
  throw placeFault(
    'FILES',
    `${from.path} is no longer what the experiment was submitted with (SHA-256 ${sha256}, now: ${found}); submit it again, so that its runs get an identity of their own`,
  );
}

/** The SHA-256 over the names and contents of several files: the name of `runtime/{sha}`. */
export async function hashOfFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = await readFile(path);
    hash.update(`${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}
