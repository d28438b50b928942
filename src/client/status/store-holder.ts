import { connect } from 'node:net';
import { hostname } from 'node:os';
import type { TemporalConnection } from '../../engine/connect.js';
import { engineIdentity } from '../../engine/identity.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { isSameEngine, type Lease } from '../../storage/lease.js';

const CONNECT_WITHIN_MS = 2_000;

/**
 * The other engine that uses a store, if one does.
 *
 * @param own the connection to this machine's server; undefined if there is none
 */
export async function otherHolder(
  store: FileStore,
  own: TemporalConnection | undefined,
): Promise<Lease | undefined> {
  const lease = await store.lease.readLive();
  if (!lease) return undefined;
  if (own) {
    const identity = await engineIdentity(own.connection, own).catch(() => undefined);
    return identity && isSameEngine(lease, { ...identity, worker: null }) ? undefined : lease;
  }
  return (await isKnownDead(lease)) ? undefined : lease;
}

/** Detects an engine on this machine whose server was killed: its lease stays until it expires. */
async function isKnownDead({ host, address }: Lease): Promise<boolean> {
  const port = /^(?:127\.0\.0\.1|localhost|\[::1\]):(\d+)$/.exec(address)?.[1];
  return port !== undefined && host === hostname() && (await isRefused(Number(port)));
}

const isRefused = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: CONNECT_WITHIN_MS });
    const answer = (refused: boolean) => {
      socket.destroy();
      resolve(refused);
    };
    socket.once('connect', () => answer(false));
    socket.once('timeout', () => answer(false));
    socket.once('error', (error: NodeJS.ErrnoException) => answer(error.code === 'ECONNREFUSED'));
  });
