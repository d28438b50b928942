import { existsSync } from 'node:fs';
import type { Check } from '../../engine/doctor/check.js';
import { readBundle, type ServicesBundle } from '../../services/bundle.js';
import { listPlaces } from '../../services/list-places.js';
import { isAlive } from '../../services/local/process-tree.js';
import { findOrder } from '../../services/order-file.js';
import { folderOf } from '../../services/place.js';
import { restartCommand } from '../../services/restart-together.js';
import type { ServiceHandle } from '../../services/service.js';

const NAME = 'services';

/** For `metalab doctor`: the services of all projects, as their bundles have them. Asks no cluster. */
export function examineServices(): Check[] {
  const checks = listPlaces().flatMap((place) => {
    const folder = folderOf(place);
    const bundle = readBundle(folder);
    if (bundle) return [examine(bundle)];
    // A bundle is there from `up` to `down`.
    return existsSync(folder) && findOrder(folder) === undefined ? [damaged(folder)] : [];
  });
  return checks.length > 0 ? checks : [{ name: NAME, ok: true, detail: 'none are up' }];
}

/** The folders of projects whose services run on this machine, and the environments. */
export const projectsWithServices = (): readonly {
  readonly folder: string;
  readonly environment: string;
}[] =>
  listPlaces()
    .map((place) => readBundle(folderOf(place)))
    .filter((bundle) => bundle?.handles.some((handle) => isAliveHere(handle)))
    .map((bundle) => ({ folder: bundle!.project_folder, environment: bundle!.environment }));

const isAliveHere = ({ process_id }: ServiceHandle) =>
  process_id !== null && 'pid' in process_id && isAlive(process_id);

function examine({ project_folder, environment, handles }: ServicesBundle): Check {
  const states = handles.map((handle) => ({ handle, state: stateOf(handle) }));
  const list = states.map(({ handle, state }) => `${handle.name} ${state}`).join(', ');
  const detail = `${project_folder}, environment ${environment}: ${list}`;
  if (!existsSync(project_folder))
    return {
      name: NAME,
      ok: 'warn',
      detail: `${detail}; the project's folder is gone`,
      next: '`metalab services down --orphans`',
    };
  if (states.every(({ state }) => state !== 'dead' && state !== 'unreachable'))
    return { name: NAME, ok: true, detail };
  // What hangs is left alone by `up`.
  const hung = states.find(({ state }) => state === 'unreachable');
  const command = hung ? restartCommand(hung.handle.name, handles) : 'metalab services up';
  return { name: NAME, ok: 'warn', detail, next: `\`${command}\` in ${project_folder}` };
}

function stateOf(handle: ServiceHandle): string {
  const { process_id, status, host, port } = handle;
  if (process_id === null || status === 'stopped') return 'dead';
  if ('job' in process_id) return `in job ${process_id.job} (not asked)`;
  if (!isAliveHere(handle)) return 'dead';
  return status === 'running' ? `at ${host}:${port}` : status;
}

const damaged = (folder: string): Check => ({
  name: NAME,
  ok: 'warn',
  detail: `${folder} has no file that says what runs there`,
  next: `if nothing does, remove it: its folder data has what the services kept`,
});
