import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { SlurmEnvironment } from '../../../src/config/resolved-config.js';
import { type CleanedExperiment, type CleanOptions, cleanSpool } from '../../../src/execution/slurm/clean.js';
import { createShellTransport } from '../../../src/execution/transport/shell/shell-transport.js';
import { sha256 } from '../../../src/identity/fingerprint.js';
import { segmentsFolder, submissionFolder } from '../../../src/storage/file/layout.js';
import { type OwnedRig, startRig } from '../../rig/start.mjs';
import { writeInto } from './task/array.js';

const PATIENCE = { timeout: 30_000, interval: 200 };
let rig: OwnedRig;
let root: string;
beforeAll(async () => {
  rig = await startRig({ accounting: false });
  vi.stubEnv('SLURM_CONF', rig.env.SLURM_CONF);
});
afterAll(() => rig?.down());
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "metalab clean ü'"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const TOKEN = '0123456789abcdef';

/** A spool with an experiment to which two stores submitted, each its segment and an artifact; this store has `s1`. */
function spoolOfTwo() {
  const environment: SlurmEnvironment = {
    name: 'rig',
    type: 'slurm',
    file_root: join(root, 'spool'),
    services: {},
    executor: { modules: [], setup: [], extra_sbatch: [] },
  };
  const there = join(root, 'spool', 'sweep@1');
  const here = join(root, 'sweep@1');
  for (const submission of ['s1', 's2']) {
    writeInto(join(segmentsFolder(there, submission), 'w.ndjson'), '{"a":1}\n');
    writeInto(join(there, 'artifacts', sha256(submission)), submission);
    writeInto(join(submissionFolder(there, submission), 'arrays', TOKEN, 'array.json'), '{}');
  }
  mkdirSync(submissionFolder(here, 's1'), { recursive: true });
  const store = { experimentFolder: () => here, unfinished: async () => [] };
  const clean = async (options?: CleanOptions) => {
    const cleaned: CleanedExperiment[] = [];
    for await (const each of cleanSpool(createShellTransport(), environment, store, options))
      cleaned.push(each);
    return cleaned;
  };
  return { here, there, clean };
}

test('an experiment to which another store submitted is left alone', async () => {
  const { here, there, clean } = spoolOfTwo();
  expect(await clean()).toMatchObject([{ removed: false, why: expect.stringContaining('s2') }]);
  expect(existsSync(segmentsFolder(here, 's2'))).toBe(false);
  expect(existsSync(segmentsFolder(there, 's1'))).toBe(true);
});

test("what lost stores submitted goes, once all of it is in the store and none of it is in Slurm's queue", async () => {
  const { here, there, clean } = spoolOfTwo();
  const submit = (name: string) => rig.submit('sleep 60', [`--job-name=${name}`]);
  await submit(`metalab-${TOKEN}-1`);
  const job = await submit(`metalab-${TOKEN}`);
  expect(await clean({ lostStores: true })).toMatchObject([
    { removed: false, why: expect.stringMatching(/s[12].* in the queue/) },
  ]);
  await rig.run(['scancel', job]);
  await expect.poll(async () => (await rig.run(['squeue', '-h', `-j${job}`])).stdout, PATIENCE).toBe('');
  expect(await clean({ lostStores: true })).toMatchObject([{ removed: true }]);
  expect(existsSync(there)).toBe(false);
  for (const submission of ['s1', 's2']) {
    expect(readFileSync(join(segmentsFolder(here, submission), 'w.ndjson'), 'utf8')).toBe('{"a":1}\n');
    expect(readFileSync(join(here, 'artifacts', sha256(submission)), 'utf8')).toBe(submission);
  }
});
