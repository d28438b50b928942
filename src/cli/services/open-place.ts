import type { ResolvedConfig } from '../../config/resolved-config.js';
import { UsageError } from '../../definition/errors.js';
import { findOrder, type ServicesOrder } from '../../services/order-file.js';
import { folderOf, placeOf, type ServicesPlace } from '../../services/place.js';
import type { CommandContext } from '../command.js';

const TAIL_LINES = 20;

/** Which services a command is about. */
export interface CommandPlace {
  readonly config: ResolvedConfig;
  readonly place: ServicesPlace;
}

/** Those of the environment that `--env`, METALAB_ENV or the configuration names, in the current folder's project. */
export async function placeOfCommand(context: CommandContext): Promise<CommandPlace> {
  const { resolveConfig } = await import('../../config/resolve-config.js');
  const config = await resolveConfig(context.namedEnvironment);
  return { config, place: placeOf(config) };
}

/** @throws UsageError METALAB_SERVICES_UNKNOWN if they were never asked for */
export function requireOrder(place: ServicesPlace): ServicesOrder {
  const order = findOrder(folderOf(place));
  if (order) return order;
  throw new UsageError({
    code: 'METALAB_SERVICES_UNKNOWN',
    where: `environment ${place.environment}`,
    what: 'none of its services was ever started in this project',
    next: 'metalab services up',
  });
}

/** The last lines of a service's log; '' if it can't be read. */
export async function readTail(place: ServicesPlace, service: string): Promise<string> {
  const { openServices } = await import('../../services/open-services.js');
  const services = await openServices(folderOf(place), requireOrder(place));
  try {
    const blocks: Uint8Array[] = [];
    const options = { tail: TAIL_LINES, follow: false, signal: AbortSignal.timeout(10_000) };
    for await (const block of services.environment.logs(service, options)) blocks.push(block);
    return Buffer.concat(blocks).toString('utf8').trimEnd();
  } catch {
    return '';
  } finally {
    await services.close();
  }
}
