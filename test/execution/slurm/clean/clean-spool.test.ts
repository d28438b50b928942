import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SlurmEnvironment } from '../../../../src/config/resolved-config.js';
import type { ArtifactDescriptor } from '../../../../src/definition/record.js';
import { fetchArtifacts } from '../../../../src/execution/fetch-artifacts.js';
import {
  type CleanedExperiment,
  type CleanOptions,
  cleanSpool,
} from '../../../../src/execution/slurm/clean/clean-spool.js';
import { slurmStateFile } from '../../../../src/execution/slurm/spool/state-file.js';
import { sha256 } from '../../../../src/identity/fingerprint.js';
import { PackWriter } from '../../../../src/storage/file/formats/pack-writer.js';
import { packsFolder, segmentsFolder, submissionFolder } from '../../../../src/storage/file/layout.js';
import { createShellTransport } from '../../../../src/transport/shell/shell-transport.js';
import { cancelAllJobs, useLocalRig } from '../../../rig/use-rig.js';
import { artifactOf, bytesOf } from '../../../support/artifacts.js';
import { writeInto } from '../task/array.js';

const PATIENCE = { timeout: 90_000, interval: 200 };
const rig = await useLocalRig({ accounting: false });
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "metalab clean ü'"));
});
afterEach(async () => {
  await cancelAllJobs(rig);
  rmSync(root, { recursive: true, force: true });
});

const submit = (name: string, ...options: readonly string[]) =>
  rig.submit('sleep 60', [`--job-name=${name}`, ...options]);
const inQueue = async (job: string) => (await rig.run(['squeue', '-h', `-j${job}`])).stdout !== '';

const environmentAt = (file_root: string): SlurmEnvironment => ({
  name: 'rig',
  type: 'slurm',
  file_root,
  services: {},
  executor: { modules: [], setup: [], extra_sbatch: [] },
});

/** A pack with two artifacts and a torn end. @returns the second */
function packOf(folder: string, submission: string): ArtifactDescriptor {
  const writer = new PackWriter(folder, submission, 'w');
  writer.store(Buffer.from('first'));
  const second = writer.store(Buffer.from(`packed by ${submission}`));
  writer.flush();
  appendFileSync(join(packsFolder(folder, submission), 'w.0.pack'), '@artifact torn');
  return artifactOf(second);
}

/** A spool with an experiment, of an array token of its own, to which `submissions` were made, each its segment, an artifact and a pack; this store has `s1`. */
function spoolOf(...submissions: readonly string[]) {
  const spool = join(root, 'spool');
  const there = join(spool, 'sweep@1');
  const here = join(root, 'sweep@1');
  const token = randomBytes(8).toString('hex');
  const packed: ArtifactDescriptor[] = [];
  writeInto(join(spool, 'store.json'), '{"id":"spool"}\n');
  for (const submission of submissions) {
    writeInto(join(segmentsFolder(there, submission), 'w.ndjson'), '{"a":1}\n');
    writeInto(join(there, 'artifacts', sha256(submission)), submission);
    packed.push(packOf(there, submission));
    const array = join(submissionFolder(there, submission), 'arrays', token);
    writeInto(join(array, 'array.json'), '{}');
    writeInto(join(array, 'submit', 'job'), '1\n');
  }
  mkdirSync(submissionFolder(here, 's1'), { recursive: true });
  const store = { experimentFolder: () => here, unfinished: async () => [] };
  const clean = async (options?: CleanOptions) => {
    const cleaned: CleanedExperiment[] = [];
    for await (const each of cleanSpool(createShellTransport(), environmentAt(spool), store, options))
      cleaned.push(each);
    return cleaned;
  };
  return { spool, here, there, token, packed, clean };
}

test('an experiment to which another store submitted is left alone', async () => {
  const { here, there, clean } = spoolOf('s1', 's2');
  expect(await clean()).toMatchObject([{ removed: false, why: expect.stringContaining('s2') }]);
  expect(existsSync(segmentsFolder(here, 's2'))).toBe(false);
  expect(existsSync(segmentsFolder(there, 's1'))).toBe(true);
});

test("what lost stores submitted goes, once all of it is in the store and none of it is in Slurm's queue", async () => {
  const { here, there, token, packed, clean } = spoolOf('s1', 's2');
  await submit(`metalab-${token}-1`);
  const job = await submit(`metalab-${token}`);
  expect(await clean({ lostStores: true })).toMatchObject([
    { removed: false, why: expect.stringMatching(new RegExp(`job ${job} of submission s[12].*queue`)) },
  ]);
  await rig.run(['scancel', job]);
  await expect.poll(() => inQueue(job), PATIENCE).toBe(false);
  expect(await clean({ lostStores: true })).toMatchObject([{ removed: true }]);
  expect(existsSync(there)).toBe(false);
  for (const submission of ['s1', 's2']) {
    expect(readFileSync(join(segmentsFolder(here, submission), 'w.ndjson'), 'utf8')).toBe('{"a":1}\n');
    expect(readFileSync(join(here, 'artifacts', sha256(submission)), 'utf8')).toBe(submission);
  }
  expect((await bytesOf(here, packed[1]!)).toString()).toBe('packed by s2');
});

test('a pack of which some is in the store comes whole; one that lacks what the store has is left', async () => {
  const { here, there, packed, clean } = spoolOf('s1');
  const transport = createShellTransport();
  const [artifact] = packed;
  expect(await fetchArtifacts(transport, { folder: here, there }, packed)).toMatchObject({ brought: 1 });
  const pack = join(packsFolder(there, 's1'), 'w.0.pack');
  const whole = readFileSync(pack);
  writeFileSync(pack, whole.toString().replace('packed by', 'PACKED BY'));
  expect(await clean()).toMatchObject([
    { removed: false, why: expect.stringContaining('packs/s1/w.0.pack') },
  ]);
  expect((await bytesOf(here, artifact!)).toString()).toBe('packed by s1');
  writeFileSync(pack, whole);
  expect(await clean()).toMatchObject([{ removed: true }]);
  expect(existsSync(there)).toBe(false);
  expect(readFileSync(join(packsFolder(here, 's1'), 'w.0.pack')).equals(whole)).toBe(true);
});

test('an experiment with an array in the queue is left, though no workflow looks after it; with cancel, that is ended first', async () => {
  const { there, token, clean } = spoolOf('s1');
  const job = await submit(`metalab-${token}`, '--begin=now+1hour');
  expect(await clean()).toMatchObject([
    {
      removed: false,
      why: expect.stringMatching(new RegExp(`^job ${job} of submission s1 is in the queue`)),
    },
  ]);
  expect(await inQueue(job)).toBe(true);
  expect(existsSync(join(submissionFolder(there, 's1'), 'arrays', token, 'cancel'))).toBe(false);
  expect(await clean({ cancel: true })).toMatchObject([{ removed: true }]);
  expect(await inQueue(job)).toBe(false);
  expect(existsSync(there)).toBe(false);
}, 360_000);

test('an array counts that only the store knows of', async () => {
  const { here, there, token, clean } = spoolOf('s1');
  rmSync(join(submissionFolder(there, 's1'), 'arrays'), { recursive: true });
  const job = await submit(`metalab-${token}`);
  writeInto(slurmStateFile(here, 's1'), JSON.stringify({ jobs: { [token]: job }, open: true }));
  expect(await clean()).toMatchObject([{ removed: false, why: expect.stringContaining(`job ${job}`) }]);
  expect(existsSync(there)).toBe(true);
});

test('an array that is being submitted counts as if it were in the queue', async () => {
  const { there, token, clean } = spoolOf('s1');
  const submitting = join(submissionFolder(there, 's1'), 'arrays', token, 'submit');
  rmSync(join(submitting, 'job'));
  writeInto(join(submitting, 'by'), 'login 4711 1\n');
  for (const cancel of [false, true])
    expect(await clean({ cancel })).toMatchObject([
      { removed: false, why: expect.stringContaining('is being submitted') },
    ]);
  writeInto(join(submitting, 'by'), 'withdrawn 4711\n');
  expect(await clean()).toMatchObject([{ removed: true }]);
});

test('a dry run tells what would be removed and how large it is, and changes nothing', async () => {
  const { spool, here, there, token, clean } = spoolOf('s1');
  writeInto(join(there, 'work', 'large'), 'x'.repeat(3_000_000));
  mkdirSync(join(spool, 'other@1'));
  const cleaned = await clean({ dryRun: true });
  expect(cleaned).toMatchObject([
    { experiment_id: 'other:1', would_remove: true },
    { experiment_id: 'sweep:1', removed: false, would_remove: true },
  ]);
  expect(cleaned[1]!.size_bytes).toBeGreaterThan(3_000_000);
  expect(cleaned[1]!.size_bytes).toBeLessThan(4_000_000);
  expect(existsSync(segmentsFolder(here, 's1'))).toBe(false);
  expect(existsSync(there)).toBe(true);
  await submit(`metalab-${token}`);
  expect((await clean({ dryRun: true, cancel: true }))[1]).toMatchObject({ would_remove: true });
  expect((await clean({ dryRun: true }))[1]).toMatchObject({
    would_remove: false,
    why: expect.stringContaining('queue'),
  });
});

test('with discard, records are brought home and artifacts are not', async () => {
  const { here, there, clean } = spoolOf('s1');
  expect(await clean({ discard: true })).toMatchObject([{ removed: true, bytes: 8 }]);
  expect(existsSync(there)).toBe(false);
  expect(readFileSync(join(segmentsFolder(here, 's1'), 'w.ndjson'), 'utf8')).toBe('{"a":1}\n');
  expect(existsSync(join(here, 'artifacts', sha256('s1')))).toBe(false);
  expect(existsSync(packsFolder(here))).toBe(false);
});

test('a file_root that can not be used is an error at once, and is not made', async () => {
  const store = { experimentFolder: () => root, unfinished: async () => [] };
  const file = join(root, 'a file');
  writeFileSync(file, '');
  const clean = async (fileRoot: string) => {
    for await (const _ of cleanSpool(createShellTransport(), environmentAt(fileRoot), store));
  };
  for (const [fileRoot, why] of [
    [join(root, 'nowhere'), 'No such file'],
    [file, 'Not a directory'],
  ] as const)
    await expect(clean(fileRoot)).rejects.toMatchObject({
      code: 'METALAB_FILE_ROOT',
      message: expect.stringMatching(new RegExp(`${fileRoot}.*${why}`)),
      next: expect.stringContaining('file_root'),
    });
  expect(existsSync(join(root, 'nowhere'))).toBe(false);
  mkdirSync(join(root, 'empty'));
  await clean(join(root, 'empty'));
  expect(existsSync(join(root, 'empty', 'store.json'))).toBe(false);
});
