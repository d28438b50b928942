import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../access/own-folders.js';
import { type ServicesPlace, servicesFolder } from './place.js';

/** All places of which anything is kept, by project. */
export function listPlaces(env?: Environment): ServicesPlace[] {
  const root = servicesFolder(env);
  return namesIn(root).flatMap((project) =>
    namesIn(join(root, project)).map((environment) => ({ project, environment })),
  );
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch {
    return [];
  }
}
