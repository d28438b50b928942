import { MetalabError } from '../../definition/errors.js';
import { bundleOf, type ServicesBundle, writeBundle } from '../../services/bundle.js';
import { findOrder } from '../../services/order-file.js';
import { folderOf, type ServicesPlace } from '../../services/place.js';

/**
 * Rewrites a bundle that was lost or damaged, from what the services' workflow knows. Starts no server.
 *
 * @returns undefined if no workflow looks after services there
 */
export async function rebuildBundle(place: ServicesPlace): Promise<ServicesBundle | undefined> {
  const folder = folderOf(place);
  const order = findOrder(folder);
  if (!order) return undefined;
  const { ServicesClient } = await import('./services-client.js');
  try {
    const client = await ServicesClient.open(place, { start: false });
    try {
      const status = await client.status();
      if (!status || status.phase === 'down') return undefined;
      const about = { project_folder: order.project.folder, environment_type: order.environment.type };
      const bundle = bundleOf(place, about, status.handles);
      writeBundle(folder, bundle);
      return bundle;
    } finally {
      await client.close();
    }
  } catch (error) {
    // No server runs, or none answers: nothing is known.
    if (error instanceof MetalabError) return undefined;
    throw error;
  }
}
