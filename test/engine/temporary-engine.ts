import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stopEngine } from '../../src/engine/stop.js';

export type TestEnvironment = { [name: string]: string | undefined };

/** An engine of the test's own: a fresh state folder, ports that nobody else has, no Temporal of the user's. */
export function temporaryEngine() {
  const folder = mkdtempSync(join(tmpdir(), "metalab engine's "));
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^TEMPORAL_|^METALAB_(?!CACHE|TEMPORAL)/.test(name),
  );
  const env: TestEnvironment = {
    ...Object.fromEntries(inherited),
    METALAB_HOME: join(folder, 'home'),
    XDG_CONFIG_HOME: join(folder, 'config'),
    // As good as unset, also for what is started with this beside the tests' own environment.
    TEMPORAL_ADDRESS: '',
  };
  return {
    folder,
    home: join(folder, 'home'),
    env,
    async remove() {
      await stopEngine({ env });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
