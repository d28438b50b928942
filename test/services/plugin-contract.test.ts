import { symlinkSync } from 'node:fs';
import { afterAll, describe, it } from 'vitest';
import type { ServicePlugin } from '../../src/services/plugin.js';
import { ServicePlugins } from '../../src/services/plugins.js';
import { testServicePlugin } from '../../src/testing/index.js';
import { usePostgres } from '../storage/postgresql/use-postgres.js';
import { ROOT } from '../support/metalab.js';
import { Project } from '../support/project.js';
import { USER } from '../support/temporal-on-postgres/postgres.mjs';
import { ECHO_PACKAGE } from './fixtures/echo-package.js';

const project = new Project(afterAll);
await project.write(ECHO_PACKAGE);
symlinkSync(ROOT, project.path('node_modules/metalab'));
const plugins = new ServicePlugins(project.folder);
const pluginOf = async (name: string): Promise<ServicePlugin> => (await plugins.require(name)).item;

const postgres = await pluginOf('postgres');
const atlas = await pluginOf('atlas');
const echo = await pluginOf('echo');

describe('postgres', () => {
  testServicePlugin({ test: it, name: 'postgres', plugin: postgres, config: {} });
});

describe('atlas', () => {
  const database = usePostgres();
  const placeOf = () => ({ store: `postgresql://${USER}@127.0.0.1:${database.server.port}/postgres` });
  testServicePlugin({ test: it, name: 'atlas', plugin: atlas, config: { memory: '512M' }, placeOf });
});

describe("an installed package's service", () => {
  testServicePlugin({ test: it, name: 'echo', plugin: echo, config: { greeting: "it's" } });
});
