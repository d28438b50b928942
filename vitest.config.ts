import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import LongestFirst from './test/longest-first.js';

export default defineConfig({
  resolve: { alias: { metalab: fileURLToPath(new URL('src/index.ts', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/restore-environment.ts'],
    // Importing the same modules for each file anew takes 0.4 s of processor time: 34 files take 19.5 s, isolated 34.3 s.
    isolate: false,
    // Commands run as they are built.
    server: { deps: { external: [/\/dist\//] } },
    // The longest files mostly wait for servers, workers and slots: with eight at once, two cores were idle for 55 s of 776.
    maxWorkers: 10,
    sequence: { sequencer: LongestFirst },
    // Limits are for tests that hang, not for slow machines.
    testTimeout: 180_000,
    hookTimeout: 360_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default', './test/closing-line.ts'],
  },
});
