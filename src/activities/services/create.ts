import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ServicesActivities } from '../../contract/services.js';
import { readBundle, removeBundle } from '../../services/bundle.js';
import { writeProgress } from '../../services/progress-file.js';
import type { ServiceHandle } from '../../services/service.js';
import { refusalOf, type ServicesDependencies, withServices } from './services-session.js';

const INSPECT_EVERY_MS = 500;

/** The activities of services' workflows. All but `verifyServices` need a worker on the services' machine. */
export function createServicesActivities(dependencies: ServicesDependencies): ServicesActivities {
  return {
    startServices: (input) =>
      withServices(dependencies, input, async ({ orchestrator, folder, signal, keep }) => {
        const { asked, revive } = input;
        const options = { signal, onProgress: (line: string) => writeProgress(folder, line) };
        const work = () => {
          if (revive) return orchestrator.revive(options);
          if (asked.update === 'restart') return orchestrator.restart(asked.request.services, options);
          return orchestrator.up(options);
        };
        const handles = await work();
        keep(handles);
        return handles;
      }),
    watchServices: (input) =>
      withServices(dependencies, input, async ({ environment, order, folder, signal, keep }) => {
        const onProgress = (line: string) => writeProgress(folder, line);
        const { inspectEveryMs = INSPECT_EVERY_MS } = environment;
        for (;;) {
          signal.throwIfAborted();
          const found = await environment.inspect();
          const handles = input.handles.map((before) => find(found, before));
          const isSame = isDeepStrictEqual(handles, input.handles);
          if (!isSame || !readBundle(folder)) keep(handles);
          if (!isSame) return handles;
          // What could not be done ahead is tried again after the next look.
          await environment.renew?.(order.specs, { signal, onProgress }).catch(() => {});
          await sleep(inspectEveryMs, undefined, { signal });
        }
      }),
    stopServices: (input) =>
      withServices(dependencies, input, async ({ orchestrator, environment, folder, signal }) => {
        await orchestrator.down({ signal, onProgress: (line) => writeProgress(folder, line) });
        removeBundle(folder);
        return environment.inspect();
      }),
    async verifyServices(asked) {
      return refusalOf(dependencies.signatures, asked) ?? null;
    },
  };
}

/** A service of which nothing is known any more is stopped. */
const find = (found: readonly ServiceHandle[], before: ServiceHandle): ServiceHandle =>
  found.find(({ name }) => name === before.name) ?? {
    ...before,
    status: 'stopped',
    process_id: null,
    since: null,
  };
