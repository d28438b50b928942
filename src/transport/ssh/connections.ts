import { Connection, type ConnectionOptions } from './connection.js';
import { resolveHops } from './resolve-hops.js';
import type { SshDependencies, SshSettings } from './settings.js';

interface Shared {
  readonly connection: Connection;
  users: number;
}

/** This process's connections, by their settings. */
const connections = new Map<string, Shared>();

/**
 * The process's one connection to this gateway. The first caller decides its options. Its hops are resolved again at
 * each connect: after a new login, the agent is another one.
 *
 * @returns the connection, and a function that releases it; the last release closes it
 * @throws TransportError with code METALAB_TRANSPORT_CONFIG
 */
export function shareConnection(
  settings: SshSettings,
  options: ConnectionOptions & SshDependencies,
): { readonly connection: Connection; readonly release: () => void } {
  const { env, configFile, knownHostsFile } = options;
  const key = JSON.stringify([settings, env, configFile, knownHostsFile]);
  const hops = () => resolveHops(settings, options);
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
