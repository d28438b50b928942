import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { runCommand, streamCommand } from '../command.js';
import { HERE, readLocalFile, writeLocalFile } from '../local-file.js';
import type { PutOptions, TransferOptions, Transport } from '../transport.js';
import { startCommand } from './start-command.js';

/** This machine, if it has `sbatch` itself: there is no connection that could be lost. */
export function createShellTransport(): Transport {
  const at = (path: string) => resolve(homedir(), path);
  return {
    place: HERE,
    run: (command, options) => runCommand(HERE, startCommand, command, options),
    stream: (command, options) => streamCommand(startCommand, command, options),
    put: (from, to, options) => copy(from, at(to), options),
    write: (bytes, to, options) => writeLocalFile(at(to), [Buffer.from(bytes)], options?.mode),
    get: (from, to, options) => copy(at(from), to, options),
    read: (path, offset, options) => limited(at(path), offset, options),
    openTunnel: async (to) => ({ ...to, close: async () => {} }),
    close: async () => {},
  };
}

const copy = (from: string, to: string, options?: PutOptions) =>
  writeLocalFile(to, limited(from, 0, options), options?.mode);

async function* limited(
  path: string,
  offset: number | undefined,
  options?: TransferOptions,
): AsyncIterable<Uint8Array> {
  for await (const chunk of readLocalFile(path, offset)) {
    options?.signal?.throwIfAborted();
    yield chunk;
  }
}
