import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SlurmEnvironment } from '../../../src/config/resolved-config.js';
import { type CleanedExperiment, cleanSpool } from '../../../src/execution/slurm/clean.js';
import { createShellTransport } from '../../../src/execution/transport/shell/shell-transport.js';
import { segmentsFolder, submissionFolder } from '../../../src/storage/file/layout.js';
import { writeInto } from './task/array.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "metalab clean ü'"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("an experiment's folder in which another store's submission is at work is left alone", async () => {
  const environment: SlurmEnvironment = {
    name: 'rig',
    type: 'slurm',
    file_root: join(root, 'spool'),
    services: {},
    executor: { modules: [], setup: [], extra_sbatch: [] },
  };
  const there = join(root, 'spool', 'sweep@1');
  const here = join(root, 'sweep@1');
  for (const submission of ['s1', 's2'])
    writeInto(join(segmentsFolder(there, submission), 'w.ndjson'), '{"a":1}\n');
  mkdirSync(submissionFolder(here, 's1'), { recursive: true });
  const store = { experimentFolder: () => here, unfinished: async () => [] };
  const clean = async () => {
    const cleaned: CleanedExperiment[] = [];
    for await (const each of cleanSpool(createShellTransport(), environment, store)) cleaned.push(each);
    return cleaned;
  };
  expect(await clean()).toMatchObject([{ removed: false, why: expect.stringContaining('s2') }]);
  expect(existsSync(segmentsFolder(here, 's2'))).toBe(false);
  rmSync(segmentsFolder(there, 's2'), { recursive: true });
  expect(await clean()).toMatchObject([{ removed: true }]);
  expect(existsSync(join(segmentsFolder(here, 's1'), 'w.ndjson'))).toBe(true);
});
