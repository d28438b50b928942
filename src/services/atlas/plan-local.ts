import { join } from 'node:path';
import { keepToken } from '../../atlas/token-file.js';
import { packageFolder, readBuild } from '../../engine/build.js';
import type { LocalFragment, ServicePlace, ServicePlan } from '../plugin.js';
import type { ServiceSpec } from '../service.js';
import type { AtlasConfig } from './settings.js';
import { storeOf } from './store-of.js';

const STOP_MS = 10_000;

/** `metalab atlas serve` on this machine. */
export async function planLocal(spec: ServiceSpec, place: ServicePlace): Promise<ServicePlan<LocalFragment>> {
  const config = spec.config as AtlasConfig;
  const { folder, private_folder, host } = place;
  const store = storeOf(place);
  const port = config.port ?? place.port;
  const file = join(private_folder, 'token');
  keepToken(file);
  // The service runs the built program.
  readBuild();
  const program = [process.execPath, join(packageFolder(), 'bin', 'metalab.js'), 'atlas', 'serve'];
  return {
    fragment: {
      command: [
        ...program,
        ...['--store', store, '--host', host, '--port', String(port), '--token-file', file],
      ],
      env: {},
      readiness: { type: 'http', port, path: '/api/health' },
      log: join(folder, 'atlas.log'),
      stop: { signal: 'SIGTERM', timeout_ms: STOP_MS },
      files: {},
    },
    credentials: { user: 'token', file },
    metadata: { store, url: `http://${host}:${port}` },
    provides: [],
  };
}
