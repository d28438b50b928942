import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { COMPACTION_STEPS, compactRuns } from '../../../src/results/compaction/compact.js';
import { compactInChild } from '../../../src/results/compaction/compact-in-child.js';
import { newScratchFolder, tidyScratchFolders } from '../../../src/results/compaction/scratch-folders.js';
import { runsFolder } from '../../../src/storage/file/layout.js';
import { ownerName } from '../../../src/storage/file/owner.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { metalab, ROOT } from '../../support/metalab.js';
import { EXPERIMENT, writeSegment } from '../../support/records.js';
import { expectReaders, fillStore, finalRecordsOf, moreRecords } from './varied-store.js';

/** Compacts in a process that kills itself by SIGKILL when it has come to a step; `writing`: once the file is there. */
const PROGRAM = `
  import { existsSync } from 'node:fs';
  const [folder, deadly, built] = process.argv.slice(1);
  const die = () => process.kill(process.pid, 'SIGKILL');
  const { compactRuns } = await import(built + 'compact.js');
  const { newScratchFolder } = await import(built + 'scratch-folders.js');
  const scratch = newScratchFolder(folder);
  if (deadly === 'begun') die();
  const onStep = (step) => {
    if (step === deadly || (deadly === 'writing' && step === 'written')) die();
    if (deadly === 'writing') setInterval(() => existsSync(scratch + '/runs.parquet') && die(), 1);
  };
  await compactRuns(folder, scratch, { onStep });`;

async function compactAndDie(folder: string, step: string): Promise<NodeJS.Signals | null> {
  const built = new URL('dist/results/compaction/', `file://${ROOT}`).href;
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, folder, step, built], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve) => child.once('close', (_, signal) => resolve(signal)));
}

it.each(['begun', 'writing', ...COMPACTION_STEPS])(
  'killed when it has %s, readers have the same rows, with and without a file from before, and the next one tidies up',
  async (step) => {
    const store = await temporaryStore();
    await fillStore(store);
    const folder = store.experimentFolder(EXPERIMENT);
    for (const more of [[], moreRecords()]) {
      if (more.length > 0) writeSegment(store, more, { writer: 'host-3-cc', submission: 's3' });
      const finals = await finalRecordsOf(store);
      expect(await compactAndDie(folder, step)).toBe('SIGKILL');
      await expectReaders(store, finals);
      expect(await tidyScratchFolders(folder)).toBe(false);
      const left =
        step === 'begun' && more.length === 0 ? [] : visible(folder).filter((name) => name.startsWith('.'));
      expect(left).toEqual([]);
      await compactRuns(folder, newScratchFolder(folder));
      await expectReaders(store, finals);
      expect(visible(folder)).toEqual(['runs.parquet']);
    }
  },
);

/** No process has this id: beyond the largest that Linux gives. */
const NOBODY = 2 ** 22 + 1;
const visible = (folder: string) => readdirSync(runsFolder(folder));

it('leaves an experiment alone that another process compacts', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  const folder = store.experimentFolder(EXPERIMENT);
  const [place] = ownerName().split('-');
  const other = (owner: string) => join(runsFolder(folder), `.compacting-${owner}-000000000000`);
  mkdirSync(other(`${place}-${process.ppid}`), { recursive: true });
  expect(await compactInChild(folder)).toEqual({ kind: 'busy' });
  rmSync(other(`${place}-${process.ppid}`), { recursive: true });
  // Of another container: a process of the same id, which is not one here.
  const foreign = other(`00000000-${NOBODY}`);
  mkdirSync(foreign);
  mkdirSync(other(`${place}-${NOBODY}`));
  expect(await tidyScratchFolders(folder)).toBe(true);
  expect(visible(folder)).toEqual([basename(foreign)]);
  const [hours, days] = [2, 48].map((each) => new Date(Date.now() - each * 60 * 60 * 1000));
  utimesSync(foreign, hours!, hours!);
  expect(await tidyScratchFolders(folder)).toBe(false);
  expect(visible(folder)).toEqual([basename(foreign)]);
  utimesSync(foreign, days!, days!);
  expect(await tidyScratchFolders(folder)).toBe(false);
  expect(visible(folder)).toEqual([]);
});

it('`metalab store compact` does it by hand, for one experiment or all', async () => {
  const store = await temporaryStore();
  await fillStore(store);
  const finals = await finalRecordsOf(store);
  const { stdout, stderr, code } = await metalab(['store', 'compact', '--json', '--store', store.root]);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([
    { experiment_id: EXPERIMENT, result: 'compacted', runs: finals.length },
  ]);
  await expectReaders(store, finals);
  const again = await metalab(['store', 'compact', 'pi_mc', '--store', store.root]);
  expect(again.stdout).toContain('nothing to do');
});
