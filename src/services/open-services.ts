import { openServiceEnvironment } from './environments.js';
import { ServiceOrchestrator } from './orchestrator.js';
import type { ServicesOrder } from './order-file.js';
import { ServicePlugins } from './plugins.js';
import type { ServiceEnvironment } from './service-environment.js';

/** The services of an environment: what drives them, and where they run. */
export interface OpenServices {
  readonly orchestrator: ServiceOrchestrator;
  readonly environment: ServiceEnvironment;
  close(): Promise<void>;
}

/**
 * Opens the services that an order is about, in any process of this user on this machine.
 *
 * @param folder see `folderOf`
 */
export async function openServices(folder: string, order: ServicesOrder): Promise<OpenServices> {
  const plugins = new ServicePlugins(order.project.folder);
  const plugin = async (name: string) => (await plugins.require(name)).item;
  const store = order.store ?? undefined;
  const environment = await openServiceEnvironment({
    environment: order.environment,
    folder,
    plugin,
    store,
    file_root: order.file_root,
    env: { ...process.env, ...order.env },
  });
  return {
    environment,
    orchestrator: new ServiceOrchestrator({ environment, specs: order.specs, plugin, store }),
    close: () => environment.close(),
  };
}
