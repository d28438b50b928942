import { existsSync } from 'node:fs';
import { ProjectConfig } from '../../config/project-config.js';
import { listPlaces } from '../../services/list-places.js';
import { openServices } from '../../services/open-services.js';
import { mayLive } from '../../services/orchestrator.js';
import { findOrder, type ServicesOrder } from '../../services/order-file.js';
import { folderOf, placeOf, type ServicesPlace } from '../../services/place.js';
import { ServicesClient, type ServicesClientOptions } from './services-client.js';

/** Services that nobody can name any more. */
export interface Orphans {
  readonly place: ServicesPlace;
  /** Why they are orphans. */
  readonly why: string;
  /** Why they could not be ended; null: they have. */
  readonly problem: string | null;
}

/** Ends what runs of projects and environments that do not exist any more. */
export async function endOrphans(options: ServicesClientOptions): Promise<Orphans[]> {
  const ended: Orphans[] = [];
  for (const place of listPlaces()) {
    const order = findOrder(folderOf(place));
    const why = order && (await whyOrphan(place, order));
    if (!order || !why || !(await anyLives(place, order))) continue;
    const client = await ServicesClient.open(place, options);
    try {
      const { problem } = await client.down();
      ended.push({ place, why, problem: problem?.message ?? null });
    } finally {
      await client.close();
    }
  }
  return ended;
}

async function whyOrphan(place: ServicesPlace, order: ServicesOrder): Promise<string | undefined> {
  const { folder } = order.project;
  if (!existsSync(folder)) return `there is no ${folder} any more`;
  const config = await ProjectConfig.load({ folder }).catch(() => undefined);
  if (!config) return undefined;
  const { name } = order.environment;
  if (!config.environments.some((environment) => environment.name === name))
    return `the project has no environment '${name}' any more`;
  // The project was renamed, or its configuration is in another folder now.
  const now = placeOf(config.resolve(name));
  return now.project === place.project ? undefined : `the project is ${now.project} now`;
}

async function anyLives(place: ServicesPlace, order: ServicesOrder): Promise<boolean> {
  const services = await openServices(folderOf(place), order);
  try {
    return (await services.environment.inspect()).some(mayLive);
  } finally {
    await services.close();
  }
}
