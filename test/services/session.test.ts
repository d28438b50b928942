import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { useOwnEngine } from '../support/engine.js';
import { metalab, ROOT } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { serverFolders } from '../support/test-server.js';
import { until } from '../support/until.js';
import { filesWith } from './files-with.js';
import { textsOfHistories } from './histories.js';
import { processesWith, serviceIn, services } from './services.js';

const env = useOwnEngine();

/** The part of the README with this title. */
async function readmeSection(title: string): Promise<string> {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  return readme.split(`\n### ${title}\n`)[1]!.split('\n### ')[0]!;
}

test("the README's session: up, a sweep into the index, psql, down; nothing is left running, and the next up has the data", async () => {
  const section = await readmeSection('Services');
  const [, toml] = /```toml\n([\s\S]*?)```/.exec(section)!;
  const commands = [...section.matchAll(/^ {4}(\S.*)$/gm)].map(([, line]) => line!);
  expect(commands).toHaveLength(5);
  const project = await projectWith({
    '.metalab.toml': toml!,
    'deep/down/.keep': '',
    'bin/metalab': `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'bin', 'metalab.js')}" "$@"\n`,
  });
  await chmod(project.path('bin/metalab'), 0o755);
  await mkdir(project.path('examples'));
  await cp(join(ROOT, 'examples/pi-mc'), project.path('examples/pi-mc'), { recursive: true });
  await mkdir(project.path('node_modules'));
  await symlink(ROOT, project.path('node_modules/metalab'));
  const here = { cwd: project.folder, env };
  onTestFinished(() => metalab(['services', 'down'], here).then(() => {}));
  /** What all commands print, for what must not be in it. */
  const printed: string[] = [];
  const run = async (line: string) => {
    const PATH = `${project.path('bin')}:${process.env.PATH}`;
    const out = await promisify(execFile)('sh', ['-c', line], {
      cwd: project.folder,
      env: { ...process.env, ...env, PATH, NO_COLOR: '1' },
    });
    printed.push(out.stdout, out.stderr);
    return out.stdout;
  };
  const [up, submit, psql, status, down] = commands;
  expect(await run(up!)).toMatch(/postgres +running +127\.0\.0\.1:\d+/);
  expect((await run(submit!)).includes('30 success')).toBe(true);
  // The index follows within seconds.
  let averages = '';
  await until(async () => {
    averages = await run(psql!);
    return /5000000 \| +3\.14\d+\n\(3 rows\)/.test(averages);
  });
  expect(await run(status!)).toMatch(/atlas +running/);

  const { json } = await services(['status'], here);
  const passfile = serviceIn(json, 'postgres').credentials!.file;
  const secrets = [readFileSync(passfile, 'utf8').trim().split(':').at(-1)!];
  const atlas = serviceIn(json, 'atlas').credentials;
  if (atlas) secrets.push(readFileSync(atlas.file, 'utf8').trim());
  for (const secret of secrets) expect(secret.length).toBeGreaterThan(20);
  const privates = [passfile, ...(atlas ? [atlas.file] : [])];
  printed.push(JSON.stringify(json), (await metalab(['doctor', '-v'], here)).stdout);
  printed.push((await metalab(['env', 'show', '--json'], here)).stdout);
  printed.push((await metalab(['services', 'logs', 'postgres'], here)).stdout);
  printed.push(...processesWith('').map(({ args }) => args));
  printed.push(...(await textsOfHistories(env)));
  const places = [env.METALAB_HOME, project.folder, ...serverFolders()];
  const found = places.flatMap((place) => filesWith(secrets, place));
  expect(found.filter((path) => !privates.includes(path))).toEqual([]);
  for (const secret of secrets) expect(printed.filter((text) => text.includes(secret))).toEqual([]);
  for (const path of privates) expect(statSync(path).mode & 0o077).toBe(0);

  // Found from a folder below, and as the default; and described where it can't be found.
  const below = { cwd: project.path('deep/down'), env };
  expect((await metalab(['list', '--store', 'discover'], below)).stdout).toContain('pi_mc:0.1');
  expect((await metalab(['results', 'pi_mc', '--limit', '1'], below)).stdout).toContain('samples');
  expect((await metalab(['list', '--store', 'discover'], { cwd: '/', env })).stdout).toContain('pi_mc:0.1');

  expect(await run(down!)).toContain('all services are down');
  expect(processesWith(join(env.METALAB_HOME, 'services'))).toEqual([]);
  const refused = await metalab(['submit', 'examples/pi-mc/experiment.ts'], here);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(
    "error: environment local: its services are down, so 'discover' finds no store\n  expected: services that run\n  next: run `metalab services up`, or name a store with --store",
  );
  const nowhere = await metalab(['list', '--store', 'discover'], { cwd: '/', env });
  expect(nowhere.stderr).toContain("no services that have a store run, so 'discover' finds none");

  await run(up!);
  expect(await run(psql!)).toBe(averages);
  await run(down!);
}, 600_000);
