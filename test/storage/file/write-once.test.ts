import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { claimName } from '../../../src/storage/file/claim-name.js';
import { ROOT } from '../../support/metalab.js';
import { until } from '../../support/until.js';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'metalab-write-once-'));
  file = join(folder, 'plan.json');
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
});

const module = (name: string) =>
  JSON.stringify(pathToFileURL(join(ROOT, 'dist', 'storage', 'file', name)).href);

/** A process to which the kernel refuses hard links, as it does on exFAT, and on SMB and FUSE mounts. */
function withoutHardLinks(script: string) {
  const inject = [
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=link,linkat',
    '-e',
    'inject=link,linkat:error=EPERM',
  ];
  const child = spawn('strace', [...inject, process.execPath, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  return Object.assign(child, { output: once(child, 'close').then(() => output) });
}

/** Writes the file once the file `go` is there. Prints whether it was first. */
const writer = (content: string) => `
  import { existsSync, writeFileSync } from 'node:fs';
  import { writeOnce } from ${module('atomic-write.js')};
  writeFileSync(${JSON.stringify(join(folder, `ready-${content}`))}, '');
  while (!existsSync(${JSON.stringify(join(folder, 'go'))}));
  console.log(await writeOnce(${JSON.stringify(file)}, ${JSON.stringify(content)}));`;

const leftBehind = () => readdirSync(folder).filter((name) => name.endsWith('.tmp'));

test('without hard links, exactly one of several concurrent writers wins, and the file has its content', async () => {
  const contents = ['a', 'b', 'c', 'd'];
  const writers = contents.map((content) => withoutHardLinks(writer(content)));
  await until(() => contents.every((content) => existsSync(join(folder, `ready-${content}`))));
  writeFileSync(join(folder, 'go'), '');
  const said = await Promise.all(writers.map(({ output }) => output));
  expect(said.filter((line) => line === 'true\n')).toHaveLength(1);
  expect(said.filter((line) => line === 'false\n')).toHaveLength(3);
  expect(readFileSync(file, 'utf8')).toBe(contents[said.indexOf('true\n')]);
  expect(leftBehind()).toEqual([]);
});

test('without hard links, an existing file is kept, and no writer wins', async () => {
  writeFileSync(file, 'there before');
  writeFileSync(join(folder, 'go'), '');
  expect(await withoutHardLinks(writer('late')).output).toBe('false\n');
  expect(readFileSync(file, 'utf8')).toBe('there before');
});

test('without hard links, a writer waits for one that is about to give the file its name', async () => {
  let rename = () => {};
  const renamed = new Promise<void>((resolve) => {
    rename = resolve;
  });
  const first = claimName(file, async () => {
    await renamed;
    writeFileSync(file, 'first');
  });
  writeFileSync(join(folder, 'go'), '');
  const second = withoutHardLinks(writer('second'));
  // The claim, and the finished file of the second.
  await until(() => leftBehind().length === 2);
  rename();
  expect(await first).toBe(true);
  expect(await second.output).toBe('false\n');
  expect(readFileSync(file, 'utf8')).toBe('first');
});

test('without hard links, a writer that was killed before it could finish does not block others', async () => {
  const claim = `
    import { claimName } from ${module('claim-name.js')};
    await claimName(${JSON.stringify(file)}, () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}); });`;
  for (let times = 0; times < 2; times++) {
    await withoutHardLinks(claim).output;
    expect(leftBehind()).toHaveLength(times + 1);
  }
  writeFileSync(join(folder, 'go'), '');
  expect(await withoutHardLinks(writer('next')).output).toBe('true\n');
  expect(readFileSync(file, 'utf8')).toBe('next');
  expect(leftBehind()).toEqual([]);
});
