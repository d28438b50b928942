import type { ServicesProblem } from '../../contract/services.js';
import { MetalabError } from '../../definition/errors.js';
import { bundleOf, type ServicesBundle } from '../../services/bundle.js';
import { openServices } from '../../services/open-services.js';
import { findOrder, type ServicesOrder } from '../../services/order-file.js';
import { folderOf, type ServicesPlace } from '../../services/place.js';
import type { ServiceHandle } from '../../services/service.js';
import { ServicesClient } from './services-client.js';

/** What runs of an environment's services, as far as it can be found out from here. */
export interface ServicesReport extends ServicesBundle {
  /** Why the last look at the workflow says that something is not started again; null: nothing is known to be wrong. */
  readonly problem: ServicesProblem | null;
  /** Why no workflow looks after them; null: one does, or they are down. */
  readonly unattended: string | null;
}

/**
 * Looks at an environment's services where they run, and asks their workflow if a Temporal server runs. Starts nothing.
 *
 * @returns undefined if they were never asked for
 */
export async function readServices(place: ServicesPlace): Promise<ServicesReport | undefined> {
  const folder = folderOf(place);
  const order = findOrder(folder);
  if (!order) return undefined;
  const [handles, told] = await Promise.all([inspect(folder, order), askWorkflow(place)]);
  const about = { project_folder: order.project.folder, environment_type: order.environment.type };
  const bundle = bundleOf(place, about, handles);
  const isUp = handles.some(({ status }) => status !== 'stopped');
  const unattended =
    typeof told === 'string' ? told : told.phase === 'down' ? 'no workflow looks after them' : null;
  return {
    ...bundle,
    problem: typeof told === 'string' ? null : told.problem,
    unattended: isUp ? unattended : null,
  };
}

async function inspect(folder: string, order: ServicesOrder) {
  const services = await openServices(folder, order);
  try {
    const found = await services.environment.inspect();
    const isWanted = (name: string) => order.specs.some((spec) => spec.name === name);
    const place = ({ name }: ServiceHandle) => order.specs.findIndex((spec) => spec.name === name);
    // What is not wanted any more, and has ended, is of no interest.
    return found
      .filter(({ name, status }) => isWanted(name) || status !== 'stopped')
      .sort((a, b) => place(a) - place(b));
  } finally {
    await services.close();
  }
}

/** @returns why it can't be asked, or what it says */
async function askWorkflow(place: ServicesPlace) {
  try {
    const client = await ServicesClient.open(place, { start: false });
    try {
      return (await client.status()) ?? { phase: 'down' as const, problem: null };
    } finally {
      await client.close();
    }
  } catch (error) {
    if (!(error instanceof MetalabError)) throw error;
    return error.what.split('\n', 1)[0]!;
  }
}
