import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { UsageError } from '../../../definition/errors.js';

/** How archives may be compressed, by the end of their names. */
const SUFFIXES = { '.tar.zst': 'zstd', '.tar.gz': 'gzip', '.tgz': 'gzip', '.tar': 'none' } as const;

export type Compression = (typeof SUFFIXES)[keyof typeof SUFFIXES];

/** @throws UsageError where the name has another end */
export function compressionOf(file: string): Compression {
  for (const [suffix, compression] of Object.entries(SUFFIXES))
    if (file.toLowerCase().endsWith(suffix)) return compression;
  throw new UsageError({
    code: 'METALAB_ARCHIVE_NAME',
    where: file,
    what: 'the name does not say how the archive is compressed',
    expected: `a name that ends with one of ${Object.keys(SUFFIXES).join(', ')}`,
  });
}

/** @returns a stream that compresses; undefined for `none` */
export const compressing = (compression: Compression): Promise<Duplex | undefined> =>
  streamOf(compression, 'compress');

/** @returns a stream that decompresses; undefined for `none` */
export const decompressing = (compression: Compression): Promise<Duplex | undefined> =>
  streamOf(compression, 'decompress');

type Direction = 'compress' | 'decompress';

/** From Node 22.15 on. */
const { createZstdCompress, createZstdDecompress } = zlib as unknown as {
  readonly createZstdCompress?: () => Duplex;
  readonly createZstdDecompress?: () => Duplex;
};

async function streamOf(compression: Compression, direction: Direction): Promise<Duplex | undefined> {
  switch (compression) {
    case 'none':
      return undefined;
    case 'gzip':
      return direction === 'compress' ? zlib.createGzip() : zlib.createGunzip();
    case 'zstd':
      return (
        (direction === 'compress' ? createZstdCompress : createZstdDecompress)?.() ??
        (await zstdProgram(direction))
      );
  }
}

/** The program `zstd`, as a stream: its failure is the stream's. */
async function zstdProgram(direction: Direction): Promise<Duplex> {
  const child = spawn('zstd', direction === 'compress' ? ['-q', '-c', '-T0'] : ['-q', '-d', '-c'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw new UsageError(
      {
        code: 'METALAB_ZSTD',
        where: '.tar.zst',
        what: `this Node (${process.version}) has no zstd, and the program zstd can't be run: ${(error as Error).message}`,
        expected: 'Node 22.15 or newer, or the program zstd (apt-get install zstd, brew install zstd)',
        next: 'or use .tar.gz',
      },
      { cause: error },
    );
  }
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-2000);
  });
  const stream = Duplex.from({ writable: child.stdin, readable: child.stdout });
  child.once('close', (code, signal) => {
    if (code !== 0) stream.destroy(new Error(words.trim() || `zstd ended with ${signal ?? code}`));
  });
  stream.once('close', () => child.kill());
  return stream;
}
