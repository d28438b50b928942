import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { nodePackage, nodePlatform } from '../../../src/execution/slurm/submit/node-package.js';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'metalab-node-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('the Node that is shipped is of this version, runs, and is fetched once', {
  timeout: 900_000,
}, async () => {
  const cache = temporaryFolder();
  const platform = nodePlatform(execFileSync('uname', ['-sm'], { encoding: 'utf8' }));
  const [fetched] = await Promise.all([nodePackage(platform, cache), nodePackage(platform, cache)]);
  expect(execFileSync(fetched.program, ['-p', '6 * 7'], { encoding: 'utf8' })).toBe('42\n');
  expect(execFileSync(fetched.program, ['--version'], { encoding: 'utf8' }).trim()).toBe(
    `v${fetched.version}`,
  );
  expect(fetched.version).toBe(process.versions.node);
  const { mtimeMs } = statSync(fetched.program);
  expect(await nodePackage(platform, cache)).toEqual(fetched);
  expect(statSync(fetched.program).mtimeMs).toBe(mtimeMs);
  expect(readdirSync(join(cache, 'node'))).toEqual([`${fetched.version}-${platform}`]);
});

test('without npm, or without its registry, it is said what else can be done, and nothing is left', async () => {
  const cache = temporaryFolder();
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/');
  vi.stubEnv('npm_config_fetch_retries', '0');
  vi.stubEnv('npm_config_cache', join(cache, 'npm'));
  onTestFinished(() => void vi.unstubAllEnvs());
  const error = await nodePackage('linux-arm64', cache).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'METALAB_NODE_PACKAGE' });
  expect((error as Error).message).toMatch(/Node for linux-arm64 could not be fetched with npm: npm error/);
  expect((error as Error).message).toContain('load a module that has Node 20.19');
  expect(existsSync(join(cache, 'node')) ? readdirSync(join(cache, 'node')) : []).toEqual([]);
});

test('systems for which there is none are named', () => {
  expect(nodePlatform('Linux x86_64\n')).toBe('linux-x64');
  expect(nodePlatform('Linux aarch64')).toBe('linux-arm64');
  expect(() => nodePlatform('Linux ppc64le')).toThrow(/no Node to ship to a cluster of Linux ppc64le/);
});
