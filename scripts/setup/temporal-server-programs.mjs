// @ts-check
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from './root.mjs';
import { SetupError } from './setup-error.mjs';

/** docker-compose.yml's image has the same. */
export const TEMPORAL_SERVER_VERSION = 'v1.29.1';

const NEXT = 'next: node scripts/setup.mjs deps build temporal-server';

/**
 * Where the Temporal server and its sql tool are, or are to be: in metalab's cache folder, by version.
 *
 * @returns {Promise<{ readonly folder: string, readonly server: string, readonly sql: string }>}
 */
export async function temporalServerPlaces() {
  const module = join(root, 'dist', 'access', 'own-folders.js');
  if (!existsSync(module)) throw new SetupError(`the part temporal-server needs a build\n  ${NEXT}`);
  const { cacheFolder } = await import(pathToFileURL(module).href);
  const folder = join(cacheFolder(), `temporal-server-${TEMPORAL_SERVER_VERSION}`);
  return { folder, server: join(folder, 'server'), sql: join(folder, 'sql') };
}

/** The same, where they are there. */
export async function temporalServerPrograms() {
  const places = await temporalServerPlaces();
  if (!existsSync(places.folder))
    throw new SetupError(`there is no Temporal server in ${places.folder}\n  ${NEXT}`);
  return places;
}
