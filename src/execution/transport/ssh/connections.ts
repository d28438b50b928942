import { Connection, type ConnectionOptions } from './connection.js';
import type { Hop } from './settings.js';

interface Shared {
  readonly connection: Connection;
  users: number;
}

/** Connections of this process, by the way that they go. */
const connections = new Map<string, Shared>();

/**
 * The process's one connection on this way. The first who asks decides its options.
 *
 * @returns it, and what gives it up: the last who does closes it
 */
export function shareConnection(
  hops: readonly Hop[],
  options: ConnectionOptions,
): { readonly connection: Connection; readonly release: () => void } {
  const key = JSON.stringify(hops);
  const shared = connections.get(key) ?? { connection: new Connection(hops, options), users: 0 };
  connections.set(key, shared);
  shared.users++;
  let released = false;
  return {
    connection: shared.connection,
    release() {
      if (released) return;
      released = true;
      if (--shared.users > 0) return;
      connections.delete(key);
      shared.connection.close();
    },
  };
}
