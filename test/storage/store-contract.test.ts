import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it, onTestFinished } from 'vitest';
import { testStore } from '../../src/testing/index.js';
import { temporaryFolder } from './file/temporary-store.js';

const PACKAGE = fileURLToPath(new URL('fixtures/drawer-store.mjs', import.meta.url));

describe('a file store', () => {
  testStore({ test: it, storeOf: async (source) => source.uri });
});

describe("an installed package's store", () => {
  testStore({
    test: it,
    async storeOf(source) {
      const project = temporaryFolder();
      const folder = join(project, 'node_modules/drawer');
      mkdirSync(folder, { recursive: true });
      const manifest = { name: 'drawer', type: 'module', metalab: { stores: { drawer: PACKAGE } } };
      writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
      const before = process.cwd();
      process.chdir(project);
      onTestFinished(() => process.chdir(before));
      const { fillDrawer } = (await import(PACKAGE)) as typeof import('./fixtures/drawer-store.mjs');
      await fillDrawer(source, join(project, 'drawer.json'));
      return `drawer://${encodeURIComponent(join(project, 'drawer.json'))}`;
    },
  });
});
