import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { runCommand, streamCommand } from '../command.js';
import { HERE, readLocalFile, writeLocalFile } from '../local-file.js';
import type { TransferOptions, Transport } from '../transport.js';
import { Tunnels } from '../tunnel.js';
import { dial } from './dial.js';
import { startCommand } from './start-command.js';

/** This machine, if it has `sbatch` itself: there is no connection that could be lost. */
export function createShellTransport(): Transport {
  const at = (path: string) => resolve(homedir(), path);
  const tunnels = new Tunnels(dial);
  return {
    place: HERE,
    run: (command, options) => runCommand(HERE, startCommand, command, options),
    stream: (command, options) => streamCommand(startCommand, command, options),
    put: (from, to, options) => writeLocalFile(at(to), limited(from, 0, options), options?.mode),
    write: (bytes, to, options) => writeLocalFile(at(to), [Buffer.from(bytes)], options?.mode),
    read: (path, offset, options) => limited(at(path), offset, options),
    openTunnel: tunnels.open,
    close: () => tunnels.close(),
  };
}

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
