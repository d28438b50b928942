import { join } from 'node:path';
import type { ResolvedEnvironment } from '../config/resolved-config.js';
import { InfrastructureError } from '../definition/errors.js';
import { readJson, writeJson } from '../engine/state.js';
import type { ServiceSpec } from './service.js';

/**
 * What `services up` wants: a private file beside what is known of the services, since configurations may hold passwords.
 * Workflows know where it is.
 */
export interface ServicesOrder {
  /** Its folder: plugins are searched there. */
  readonly project: { readonly name: string | null; readonly folder: string };
  readonly environment: ResolvedEnvironment;
  readonly specs: readonly ServiceSpec[];
  /** The store that the environment names; null: none. */
  readonly store: string | null;
  /** For a store's files: see `ServicePlace`. */
  readonly file_root: string;
  /** PATH and metalab's variables where it was called: a worker may have been started without them. */
  readonly env: { readonly [name: string]: string | undefined };
}

const orderFile = (folder: string) => join(folder, 'order.json');

/** @param folder see `folderOf`; exists */
export const writeOrder = (folder: string, order: ServicesOrder): void => writeJson(orderFile(folder), order);

/** @returns undefined if there is none */
export function findOrder(folder: string): ServicesOrder | undefined {
  const order = readJson(orderFile(folder)) as ServicesOrder | undefined;
  return Array.isArray(order?.specs) ? order : undefined;
}

/** @throws InfrastructureError METALAB_SERVICES_ORDER if there is none */
export function readOrder(folder: string): ServicesOrder {
  const order = findOrder(folder);
  if (order) return order;
  throw new InfrastructureError({
    code: 'METALAB_SERVICES_ORDER',
    where: orderFile(folder),
    what: 'the file that says which services are wanted is gone or damaged',
    next: 'run `metalab services up` again in the project',
  });
}
