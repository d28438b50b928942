import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { LocalServices } from '../../../src/services/local/local-services.js';
import type { LocalProcess } from '../../../src/services/service.js';
import { type EnvironmentPlace, testServiceEnvironment } from '../../../src/testing/index.js';

/** This machine, and a folder for what is kept of its services. */
async function placeOf(): Promise<EnvironmentPlace> {
  const root = mkdtempSync(join(tmpdir(), "metalab services of 'me' "));
  const folder = join(root, 'project', 'local');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = new Set<string>();
  const open: EnvironmentPlace['open'] = async (plugin) =>
    new LocalServices({
      environment: { name: 'local', type: 'local', services: {} } as never,
      plugin: (name) => {
        names.add(name);
        return plugin(name);
      },
      ...{ folder, store: undefined, file_root: join(root, 'experiments'), env: process.env },
    });
  return {
    folders: [root],
    open,
    run: async ([command = '', ...args]) => execFileSync(command, args, { encoding: 'utf8' }),
    kill: async ({ process_id }) => void process.kill((process_id as LocalProcess).pid, 'SIGKILL'),
    // Its folder is shared with another machine, on which the services run.
    async silence() {
      const records = readdirSync(join(folder, 'local')).filter((name) => name.endsWith('.json'));
      const change = (host: (own: string) => string) => {
        for (const path of records.map((name) => join(folder, 'local', name))) {
          const record = JSON.parse(readFileSync(path, 'utf8'));
          writeFileSync(path, JSON.stringify({ ...record, host: host(record.host) }));
        }
      };
      change((own) => `not-${own}`);
      return async () => change((other) => other.slice('not-'.length));
    },
    async remove() {
      const signal = new AbortController().signal;
      const services = await open(async () => undefined as never);
      await services.down([...names], { signal, onProgress: () => {} });
      rmSync(root, { recursive: true, force: true });
    },
  };
}

describe('services on this machine', { timeout: 300_000 }, () => {
  testServiceEnvironment({ test: it, placeOf });
});
