import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { bundleFile, declarationFile, submissionFile } from '../../../src/storage/file/layout.js';
import { refuseStrangers } from '../../../src/storage/file/refuse-strangers.js';
import { ROOT } from '../../support/metalab.js';
import { temporaryFolder } from './temporary-store.js';

const SOMEBODY = 65534;
const LAB = 54321;

let above: string;
let root: string;
let folder: string;
const used = () => ({ folder, submission: 's', declaration: 'd', bundle: 'b' });
const look = () => refuseStrangers(root, used(), () => false);

beforeEach(() => {
  above = temporaryFolder('metalab-strangers-');
  root = join(above, 'store');
  folder = join(root, 'e@1');
  for (const file of [declarationFile(folder, 'd'), bundleFile(folder, 'b'), submissionFile(folder, 's')]) {
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o755 });
    writeFileSync(file, '', { mode: 0o644 });
  }
});

test('a store that only its user can write to may be used', () => {
  expect(look).not.toThrow();
});

test.each([
  ['the store', () => root],
  ['a folder above it', () => above],
  ["the experiment's folder", () => folder],
  ["the bundles' folder", () => join(folder, 'bundles')],
  ['the bundle', () => bundleFile(folder, 'b')],
  ['the declaration', () => declarationFile(folder, 'd')],
  ['the submission', () => submissionFile(folder, 's')],
])('everybody may write to %s: refused, with path, owner, mode and chmod', (_, path) => {
  chmodSync(path(), 0o777);
  expect(look).toThrow(
    expect.objectContaining({
      code: 'METALAB_STORE_UNSAFE',
      message: expect.stringContaining(
        `${path()} (owner uid ${process.getuid!()}, group ${process.getgid!()}, mode 0777)`,
      ),
      next: expect.stringContaining(`chmod o-w '${path()}'`),
    }),
  );
});

test('a parent folder that everybody may write to is accepted if its sticky bit is set', () => {
  chmodSync(above, 0o1777);
  expect(look).not.toThrow();
});

test('all unsafe paths are reported together, with one command that repairs them', () => {
  chmodSync(root, 0o777);
  chmodSync(folder, 0o777);
  expect(look).toThrow(expect.objectContaining({ next: expect.stringContaining(`chmod -R o-w '${root}'`) }));
  execFileSync('chmod', ['-R', 'o-w', root]);
  expect(look).not.toThrow();
});

test('a store that the user trusts may be used', () => {
  chmodSync(root, 0o777);
  expect(() => refuseStrangers(root, used(), (path) => path === root)).not.toThrow();
});

// Only root can make files of other users, and become them.
describe.skipIf(process.getuid?.() !== 0)('with other users', () => {
  test.each([
    ['store', () => root],
    ['bundle', () => bundleFile(folder, 'b')],
    ['folder above', () => above],
  ])('a %s of somebody else is refused', (_, path) => {
    chownSync(path(), SOMEBODY, SOMEBODY);
    expect(look).toThrow(/owner uid 65534/);
  });

  test("a link of somebody else, to a store of one's own, is refused", () => {
    const own = temporaryFolder('metalab-strangers-own-');
    chmodSync(above, 0o1777);
    const link = join(above, 'link');
    symlinkSync(own, link);
    expect(() => refuseStrangers(link, undefined, () => false)).not.toThrow();
    execFileSync('chown', ['-h', String(SOMEBODY), link]);
    expect(() => refuseStrangers(link, undefined, () => false)).toThrow(/link \(owner uid 65534/);
  });

  const lookAs = (uid: number, groups: string) => {
    const module = pathToFileURL(join(ROOT, 'dist', 'storage', 'file', 'refuse-strangers.js')).href;
    const script = `
      import { refuseStrangers } from ${JSON.stringify(module)};
      try {
        refuseStrangers(${JSON.stringify(root)}, ${JSON.stringify(used())}, () => false);
        console.log('used');
      } catch (error) {
        console.log(error.code);
      }`;
    const as = [
      '--reuid',
      String(uid),
      '--regid',
      String(uid),
      ...(groups ? ['--groups', groups] : ['--clear-groups']),
    ];
    return execFileSync('setpriv', [...as, process.execPath, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    }).trim();
  };

  test("a lab's store, shared by chmod g+ws, is used by all members of its group, and by nobody else", () => {
    execFileSync('chown', ['-R', `54001:${LAB}`, root]);
    execFileSync('chmod', ['-R', 'g+ws', root]);
    chmodSync(above, 0o755);
    expect(lookAs(54001, String(LAB))).toBe('used');
    expect(lookAs(54002, String(LAB))).toBe('used');
    expect(lookAs(54003, '')).toBe('METALAB_STORE_UNSAFE');
    chownSync(bundleFile(folder, 'b'), SOMEBODY, SOMEBODY);
    expect(lookAs(54001, String(LAB))).toBe('METALAB_STORE_UNSAFE');
  });
});
