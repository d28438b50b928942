import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkTemporaryFolder } from '../../src/access/temporary-folder.js';
import { runDoctor } from '../../src/engine/doctor/index.js';
import { findTemporalCli } from '../../src/engine/server/temporal-cli.js';
import { readServer } from '../../src/engine/state.js';
import { makeStateFolder } from '../../src/engine/state-folder.js';
import { FileHashCache } from '../../src/identity/file-hash-cache.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

const SOMEBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let folder: string;
let home: string;
let cache: string;
let umask: number;
let unmount: (() => void) | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metalab-own-folders-'));
  [home, cache] = [join(folder, 'state', 'home'), join(folder, 'cache')];
  umask = process.umask();
});
afterEach(() => {
  process.umask(umask);
  unmount?.();
  unmount = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

function makeProgram(mode: number): void {
  mkdirSync(cache, { mode: 0o755 });
  writeFileSync(join(cache, 'temporal'), '#!/bin/sh\n');
  chmodSync(join(cache, 'temporal'), mode);
}

const find = () => findTemporalCli({ METALAB_CACHE: cache, PATH: '' });

test.each([0o022, 0o077, 0])("with umask %o the state folder is its user's alone", (mask) => {
  process.umask(mask);
  makeStateFolder({ METALAB_HOME: home });
  expect([home, join(home, 'logs'), join(home, 'workers'), dirname(home)].map(modeOf)).toEqual(
    Array(4).fill('700'),
  );
});

test('a state folder that is too open is closed, unless others could have changed it before', () => {
  mkdirSync(home, { recursive: true, mode: 0o755 });
  makeStateFolder({ METALAB_HOME: home });
  expect(modeOf(home)).toBe('700');
  chmodSync(home, 0o777);
  const open = expect.objectContaining({
    code: 'METALAB_FOLDER_UNSAFE',
    message: expect.stringMatching(
      /^METALAB_HOME \(.*home\): other users can change .*home \(owner .*mode 0777\)/,
    ),
  });
  expect(() => makeStateFolder({ METALAB_HOME: home })).toThrow(open);
  expect(() => readServer(home)).toThrow(open);
});

test('a program in the cache that everybody may change, or replace, is not executed', () => {
  makeProgram(0o755);
  expect(find()?.source).toBe('cache');
  chmodSync(join(cache, 'temporal'), 0o777);
  expect(find).toThrow(/METALAB_CACHE .*temporal \(owner .*mode 0777\)/);
  chmodSync(join(cache, 'temporal'), 0o755);
  chmodSync(cache, 0o777);
  expect(find).toThrow(/METALAB_CACHE .*cache \(owner .*mode 0777\)/);
});

test('hashes of files are not believed where everybody may write them', () => {
  const stamp = { size: 1, mtime_ns: '1', ctime_ns: '1', inode: '1' };
  const hashes = new FileHashCache(cache);
  hashes.set('/x', stamp, 'a'.repeat(64));
  hashes.save();
  expect(modeOf(cache)).toBe('700');
  expect(new FileHashCache(cache).get('/x', stamp)).toBe('a'.repeat(64));
  chmodSync(cache, 0o777);
  expect(new FileHashCache(cache).get('/x', stamp)).toBeUndefined();
});

test('a TMPDIR in which everybody may replace what is there is refused, one as /tmp is not', () => {
  const temporary = { path: folder, variable: 'TMPDIR' } as const;
  chmodSync(folder, 0o1777);
  expect(() => checkTemporaryFolder(temporary)).not.toThrow();
  chmodSync(folder, 0o777);
  expect(() => checkTemporaryFolder(temporary)).toThrow(/^TMPDIR .*mode 0777/);
});

describe.skipIf(!isRoot)('what somebody else made before', () => {
  const refused = expect.objectContaining({ code: 'METALAB_FOLDER_UNSAFE' });

  test('a state folder, or one above it, is not used', () => {
    mkdirSync(home, { recursive: true });
    chownSync(home, SOMEBODY, SOMEBODY);
    expect(() => makeStateFolder({ METALAB_HOME: home })).toThrow(refused);
    chownSync(home, 0, 0);
    chownSync(dirname(home), SOMEBODY, SOMEBODY);
    expect(() => makeStateFolder({ METALAB_HOME: join(home, 'deeper') })).toThrow(refused);
    expect(existsSync(join(home, 'deeper'))).toBe(false);
  });

  test('a link in the place of the state folder is not followed', () => {
    const own = join(folder, 'own');
    mkdirSync(own);
    symlinkSync(own, join(folder, 'link'));
    execFileSync('chown', ['-h', String(SOMEBODY), join(folder, 'link')]);
    expect(() => makeStateFolder({ METALAB_HOME: join(folder, 'link') })).toThrow(refused);
  });

  test('a program in the cache is not executed', () => {
    makeProgram(0o755);
    chownSync(join(cache, 'temporal'), SOMEBODY, SOMEBODY);
    expect(find).toThrow(refused);
  });
});

test('the doctor finds folders that can not be written, and says by which variable to choose others', async () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const env = { METALAB_HOME: join(file, 'home'), METALAB_CACHE: join(file, 'cache') };
  const checks = await runDoctor({ env: { ...env, PATH: process.env.PATH }, build: 'a' });
  for (const name of ['METALAB_HOME', 'METALAB_CACHE'])
    expect(checks.find((check) => check.name === name)).toMatchObject({
      ok: false,
      next: expect.stringContaining(`set ${name} to`),
    });
  expect(checks.find((check) => check.name === 'TMPDIR')).toMatchObject({ ok: true });
});

describe('the command line names the variable that chooses another folder', () => {
  test('where TMPDIR is missing', async () => {
    const project = await projectWith({ 'e.ts': experimentText() });
    const { code, stderr } = await metalab(['submit', 'e.ts', '--dry-run'], {
      cwd: project.folder,
      env: { TMPDIR: join(folder, 'none') },
    });
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^error: TMPDIR \(.*none\): metalab can't write there: there is no such folder\n {2}next: set TMPDIR/,
    );
  });

  test.skipIf(!isRoot)('where its disk is full', async () => {
    const full = join(folder, 'full');
    mkdirSync(full);
    await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', full]);
    unmount = () => void execFileSync('umount', ['--lazy', full]);
    writeFileSync(join(full, 'others'), Buffer.alloc(64 * 1024));
    const project = await projectWith({ 'e.ts': experimentText() });
    const { code, stderr } = await metalab(['submit', 'e.ts', '--dry-run'], {
      cwd: project.folder,
      env: { TMPDIR: full },
    });
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^error: TMPDIR \(.*full\): metalab can't write there: no space is left on its disk\n {2}next: make room/,
    );
    const doctor = await metalab(['doctor'], { env: { TMPDIR: full } });
    expect(doctor.stdout).toMatch(/TMPDIR: .* 0 B free\n.*make room there, or set TMPDIR/);
  });

  test.each(['submit e.ts', 'engine start'])('where METALAB_HOME can not be made: %s', async (line) => {
    const project = await projectWith({ 'e.ts': experimentText(), file: '' });
    const { code, stderr } = await metalab(line.split(' '), {
      cwd: project.folder,
      env: { METALAB_HOME: project.path('file/home') },
    });
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /error: METALAB_HOME \(.*home\): metalab can't write there: .*\n {2}next: set METALAB_HOME/,
    );
  });
});
