import { sshEnvironment } from '../engine/ssh-environment.js';
import type { ReachedIndex } from '../storage/postgresql/reach.js';
import type { PostgresSettings } from '../storage/postgresql/settings.js';
import { parseSettings } from '../storage/store-settings.js';
import { openTransport } from '../transport/open.js';
import { readBundle } from './bundle.js';
import { SshConnector } from './connectors/ssh-connector.js';
import { listPlaces } from './list-places.js';
import { findOrder, type ServicesOrder } from './order-file.js';
import { folderOf } from './place.js';

/** A service on another machine, and the environment that it runs in. */
interface Remote {
  readonly host: string;
  readonly port: number;
  readonly environment: ServicesOrder['environment'];
}

/** Tunnels that a process keeps, by the service's environment. */
const kept = new Map<string, Promise<Way>>();

interface Way {
  readonly connector: SshConnector;
  close(): Promise<void>;
}

/**
 * Opens a tunnel to the index of a store that a service on a cluster has. Does nothing for others.
 *
 * @param options.keep whether the tunnel stays open for the next connection, for processes that connect often and end by
 *   themselves
 */
export async function reachStore(
  settings: PostgresSettings,
  { keep }: { readonly keep: boolean },
): Promise<ReachedIndex | undefined> {
  if (!settings.host || settings.host.startsWith('/') || LOOPBACK.includes(settings.host)) return undefined;
  const remote = findRemote(settings);
  if (!remote) return undefined;
  const { environment, ...target } = remote;
  // It may have moved since the location was written down.
  if (!('gateway' in environment) || !environment.gateway) return { ...target, close: async () => {} };
  const key = JSON.stringify(environment);
  const opening = kept.get(key) ?? openWay(environment);
  if (keep) kept.set(key, opening);
  const way = await opening;
  try {
    return { ...(await way.connector.connect(target)), close: keep ? async () => {} : way.close };
  } catch (error) {
    kept.delete(key);
    await way.close();
    throw error;
  }
}

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

/** The service whose store it is: by its password file, which is its own, else by its address. */
function findRemote({ host, port, passfile }: PostgresSettings): Remote | undefined {
  for (const place of listPlaces()) {
    const folder = folderOf(place);
    for (const handle of readBundle(folder)?.handles ?? []) {
      const isIt = handle.provides.some(({ kind, value }) => {
        const provided = kind === 'store' ? parseSettings(value) : undefined;
        if (provided?.scheme !== 'postgresql') return false;
        if (passfile !== undefined) return provided.passfile === passfile;
        return provided.host === host && provided.port === port;
      });
      const order = isIt ? findOrder(folder) : undefined;
      if (order) return { host: handle.host, port: handle.port, environment: order.environment };
    }
  }
  return undefined;
}

async function openWay(
  environment: ServicesOrder['environment'] & { readonly gateway?: unknown },
): Promise<Way> {
  const transport = await openTransport(
    environment as Parameters<typeof openTransport>[0],
    undefined,
    sshEnvironment,
  );
  const connector = new SshConnector(transport);
  return {
    connector,
    async close() {
      await connector.disconnect();
      await transport.close();
    },
  };
}
