import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../engine/state.js';
import type { ServicesPlace } from './place.js';
import type { ServiceHandle } from './service.js';

/** What is known of an environment's services, for whoever uses them. A private file; holds no password. */
export interface ServicesBundle extends ServicesPlace {
  readonly version: 1;
  /** The project's folder. */
  readonly project_folder: string;
  readonly environment_type: string;
  readonly handles: readonly ServiceHandle[];
  /** The location of the store that they provide, without password; null: none does, or it is not ready. */
  readonly store: string | null;
  /** Where services answer that are not on this machine, for `metalab tunnel`. */
  readonly tunnels: readonly { readonly service: string; readonly host: string; readonly port: number }[];
}

const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

/** Makes the bundle of what runs. */
export function bundleOf(
  place: ServicesPlace,
  { project_folder, environment_type }: Pick<ServicesBundle, 'project_folder' | 'environment_type'>,
  handles: readonly ServiceHandle[],
): ServicesBundle {
  const provided = handles.filter(isUp).flatMap(({ provides }) => provides);
  return {
    version: 1,
    project: place.project,
    environment: place.environment,
    project_folder,
    environment_type,
    handles,
    store: provided.find(({ kind }) => kind === 'store')?.value ?? null,
    tunnels: handles
      .filter((handle) => isUp(handle) && !LOOPBACK.includes(handle.host))
      .map(({ name: service, host, port }) => ({ service, host, port })),
  };
}

/** It got ready, and was not found dead. */
const isUp = ({ status }: ServiceHandle) => status !== 'stopped' && status !== 'starting';

export const bundleFile = (folder: string): string => join(folder, 'bundle.json');

/** @param folder see `folderOf` */
export const writeBundle = (folder: string, bundle: ServicesBundle): void =>
  writeJson(bundleFile(folder), bundle);

export const removeBundle = (folder: string): void => rmSync(bundleFile(folder), { force: true });

/** @returns undefined if there is none, or it is damaged */
export function readBundle(folder: string): ServicesBundle | undefined {
  const bundle = readJson(bundleFile(folder)) as ServicesBundle | undefined;
  return bundle?.version === 1 && Array.isArray(bundle.handles) ? bundle : undefined;
}
