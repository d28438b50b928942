import { createHash } from 'node:crypto';
import { mkdirSync, realpathSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { type Environment, stateFolder } from '../access/own-folders.js';
import type { ResolvedConfig } from '../config/resolved-config.js';
import { makeStateFolder } from '../engine/state-folder.js';

/** Which services: those of an environment of a project. Its parts are names of folders. */
export interface ServicesPlace {
  /** `{name}-{hash of its folder}`: two projects of one name are two. */
  readonly project: string;
  readonly environment: string;
}

/** The services of a project's environment, as seen from a folder of the project. */
export function placeOf({
  project,
  environment,
}: Pick<ResolvedConfig, 'project' | 'environment'>): ServicesPlace {
  const folder = projectFolderOf(project);
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 8);
  return {
    project: `${folderName(project.name ?? basename(folder))}-${hash}`,
    environment: folderName(environment.name),
  };
}

/** The project's folder, without links; of a program without a project, the current one. */
export function projectFolderOf({ folder }: ResolvedConfig['project']): string {
  try {
    return realpathSync(folder ?? process.cwd());
  } catch {
    return folder ?? process.cwd();
  }
}

/** All services' folders of this user are in it: `{project}/{environment}`. */
export const servicesFolder = (env?: Environment): string => join(stateFolder(env), 'services');

export const folderOf = ({ project, environment }: ServicesPlace, env?: Environment): string =>
  join(servicesFolder(env), folderName(project), folderName(environment));

/** @throws InfrastructureError if it can't be created, or other users can change it */
export function makeFolder(place: ServicesPlace, env?: Environment): string {
  makeStateFolder(env);
  const folder = folderOf(place, env);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** A name that is one folder's, whatever it was. */
const folderName = (name: string): string =>
  name.replace(/[^\p{L}\p{N}_.-]/gu, '_').replace(/^\.+/, '_') || '_';

/**
 * The task queue of workers that can reach the services of this user on this machine.
 *
 * @param taskQueue see `RequestKey`
 */
export function servicesQueue(taskQueue: string, env?: Environment): string {
  const hash = createHash('sha256')
    .update(`${hostname()}\0${stateFolder(env)}`)
    .digest('hex')
    .slice(0, 12);
  return `${taskQueue}-services-${hash}`;
}
