import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import type { ServicePlugin } from '../../src/services/plugin.js';
import { ServicePlugins } from '../../src/services/plugins.js';
import { testServicePlugin } from '../../src/testing/index.js';
import { ROOT } from '../support/metalab.js';
import { Project } from '../support/project.js';
import { ECHO_PACKAGE } from './fixtures/echo-package.js';

const project = new Project(afterAll);
await project.write(ECHO_PACKAGE);
symlinkSync(ROOT, project.path('node_modules/metalab'));
const plugins = new ServicePlugins(project.folder);
const pluginOf = async (name: string): Promise<ServicePlugin> => (await plugins.require(name)).item;

const cache = mkdtempSync(join(tmpdir(), 'metalab-services-cache-'));
afterAll(() => rmSync(cache, { recursive: true, force: true }));
const env = { ...process.env, METALAB_CACHE: cache };

const postgres = await pluginOf('postgres');
const atlas = await pluginOf('atlas');
const echo = await pluginOf('echo');

describe('postgres', () => {
  testServicePlugin({ test: it, name: 'postgres', plugin: postgres, config: {}, place: { env } });
});

describe('atlas', () => {
  const place = { env, store: project.store };
  testServicePlugin({ test: it, name: 'atlas', plugin: atlas, config: { memory: '512M' }, place });
});

describe("an installed package's service", () => {
  testServicePlugin({ test: it, name: 'echo', plugin: echo, config: { greeting: "it's" } });
});
