import { relative, sep } from 'node:path';
import type { Environment } from '../access/own-folders.js';
import type { ReachedServer, ReachServer } from '../storage/postgresql/reach.js';
import { openTransport } from '../transport/open.js';
import type { Transport } from '../transport/transport.js';
import { readBundle } from './bundle.js';
import type { Endpoint } from './connector.js';
import { SshConnector } from './connectors/ssh-connector.js';
import { gatewayOf } from './gateway-of.js';
import { findOrder } from './order-file.js';
import { folderOf, type ServicesPlace, servicesFolder } from './place.js';

/** A tunnel to a server, for all connections of this process. */
interface Route {
  readonly transport: Transport;
  readonly connector: SshConnector;
  users: number;
}

/**
 * How a process reaches the databases of services. A location is written into manifests and stays as it is, so it is not
 * its address that counts but its `passfile`, which is in the folder of the services' place: what is known there says
 * where the server is now. Behind a gateway it is reached through a tunnel, which is closed with its last connection.
 *
 * @param options `keep`: the tunnel stays open as long as the process, which connects again and again. `env`: where SSH
 *   finds its configuration and agent; default: this process's
 */
export function reachServices({
  keep = false,
  env,
}: {
  readonly keep?: boolean;
  readonly env?: () => Environment;
} = {}): ReachServer {
  const routes = new Map<string, Promise<Route>>();
  return async ({ passfile }) => {
    const place = passfile === undefined ? undefined : placeOf(passfile);
    if (!place) return undefined;
    const folder = folderOf(place);
    const handle = readBundle(folder)?.handles.find(({ credentials }) => credentials?.file === passfile);
    const environment = findOrder(folder)?.environment;
    if (!handle || !environment) return undefined;
    const { host, port } = handle;
    const gateway = gatewayOf(environment);
    if (!gateway) return { host, port, release: () => {} };
    const open = async (): Promise<Route> => {
      const transport = await openTransport({ name: environment.name, gateway }, undefined, env);
      return { transport, connector: new SshConnector(transport), users: 0 };
    };
    return connect(routes, passfile!, open, { host, port }, keep);
  };
}

/** For processes that end when their work is done. */
export const reachService: ReachServer = reachServices();

async function connect(
  routes: Map<string, Promise<Route>>,
  key: string,
  open: () => Promise<Route>,
  target: Endpoint,
  keep: boolean,
): Promise<ReachedServer> {
  const opening = routes.get(key) ?? open();
  routes.set(key, opening);
  const route = await opening;
  route.users++;
  let isReleased = false;
  const release = () => {
    if (isReleased) return;
    isReleased = true;
    if (--route.users > 0 || keep) return;
    routes.delete(key);
    void close(route);
  };
  try {
    return { ...(await route.connector.connect(target)), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function close({ connector, transport }: Route): Promise<void> {
  await connector.disconnect();
  await transport.close();
}

function placeOf(passfile: string): ServicesPlace | undefined {
  const [project, environment, ...rest] = relative(servicesFolder(), passfile).split(sep);
  if (!project || project === '..' || !environment || rest.length === 0) return undefined;
  return { project, environment };
}
