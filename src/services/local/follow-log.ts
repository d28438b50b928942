import { open, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogOptions } from '../service-environment.js';

const EVERY_MS = 200;
const BLOCK_BYTES = 64 * 1024;

/** A log's last lines, and if asked for what is appended until the signal aborts, also by another process or start. */
export async function* followLog(
  path: string,
  { tail, follow, signal }: LogOptions,
): AsyncGenerator<Uint8Array, void> {
  let at = await startOfTail(path, tail);
  for (;;) {
    const size = await sizeOf(path);
    // It was moved away, and begins again.
    if (size < at) at = 0;
    for await (const block of blocks(path, at, size)) {
      at += block.length;
      yield block;
    }
    if (!follow || signal.aborted) return;
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
  }
}

/** The offset at which the last lines begin. */
async function startOfTail(path: string, lines: number): Promise<number> {
  const size = await sizeOf(path);
  if (size === 0) return 0;
  const file = await open(path);
  try {
    // The newline at the very end closes the last line.
    let found = -1;
    for (let end = size; end > 0; end = Math.max(0, end - BLOCK_BYTES)) {
      const begin = Math.max(0, end - BLOCK_BYTES);
      const { buffer } = await file.read(Buffer.alloc(end - begin), 0, end - begin, begin);
      for (let index = buffer.length - 1; index >= 0; index--) {
        if (buffer[index] !== 0x0a && !(begin + index === size - 1)) continue;
        found++;
        if (found === lines) return begin + index + 1;
      }
    }
    return 0;
  } finally {
    await file.close();
  }
}

async function* blocks(path: string, from: number, to: number): AsyncGenerator<Buffer> {
  if (to <= from) return;
  const file = await open(path);
  try {
    for (let at = from; at < to; ) {
      const { bytesRead, buffer } = await file.read(
        Buffer.alloc(Math.min(BLOCK_BYTES, to - at)),
        0,
        Math.min(BLOCK_BYTES, to - at),
        at,
      );
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );
