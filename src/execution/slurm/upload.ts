import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Transport } from '../transport/transport.js';
import { type Patience, placeFault } from './ask.js';

/** One file for the cluster: a file of this machine's, or bytes. */
export interface Upload {
  readonly from: { readonly path: string } | { readonly bytes: string | Uint8Array };
  readonly to: string;
  readonly mode?: number;
  /** What its content must be: a file that somebody may have changed is looked at before it is sent. */
  readonly sha256?: string | undefined;
}

const AT_ONCE = 4;

/** Tells those of the paths on its input, each ended by NUL, that are not there. */
const MISSING = `exec xargs -0 sh -c 'for f; do [ -e "$f" ] || printf "%s\\0" "$f"; done' sh`;

/**
 * Puts there what is not there yet: one command asks for all. Files have their name once they are whole, and names tell
 * the content, so what is there need not be looked at.
 *
 * @returns how many were put there
 * @throws ExecutionFault with code `FILES` where a file of this machine is not what it should be
 */
export async function uploadMissing(
  transport: Transport,
  patience: Patience,
  uploads: readonly Upload[],
): Promise<number> {
  const wanted = new Map(uploads.map((upload) => [upload.to, upload]));
  if (wanted.size === 0) return 0;
  const { stdout } = await patience.ask(['sh', '-c', MISSING], {
    stdin: `${[...wanted.keys()].join('\0')}\0`,
    timeout_ms: 300_000,
  });
  const missing = stdout.split('\0').filter((path) => wanted.has(path));
  let next = 0;
  const work = async () => {
    while (next < missing.length) {
      const upload = wanted.get(missing[next++]!)!;
      const { from, to, mode } = upload;
      await verify(upload);
      const options = mode === undefined ? {} : { mode };
      await patience.until(() =>
        'path' in from ? transport.put(from.path, to, options) : transport.write(from.bytes, to, options),
      );
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, missing.length) }, work));
  return missing.length;
}

async function verify({ from, sha256 }: Upload): Promise<void> {
  if (sha256 === undefined || !('path' in from)) return;
  const found = await hashOfFile(from.path).catch((error: Error) => error.message);
  if (found === sha256) return;
  throw placeFault(
    'FILES',
    `${from.path} is no longer what the experiment was submitted with (SHA-256 ${sha256}, now: ${found}); submit it again, so that its runs get an identity of their own`,
  );
}

async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const block of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(block as Buffer);
  return hash.digest('hex');
}

/** The SHA-256 over several files, names and contents: what `runtime/{sha}` is called. */
export async function hashOfFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    const content = await readFile(path);
    hash.update(`${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}
