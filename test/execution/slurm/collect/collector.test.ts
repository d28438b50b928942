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
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NoAnswer } from '../../../../src/execution/slurm/cluster-retry.js';
import { type CollectPlace, collectOnce } from '../../../../src/execution/slurm/collect/collector.js';
import { SegmentCopies } from '../../../../src/execution/slurm/collect/segment-copies.js';
import { createShellTransport } from '../../../../src/transport/shell/shell-transport.js';
import type { Transport } from '../../../../src/transport/transport.js';

let root: string;
let place: CollectPlace;
let copies: SegmentCopies;
const there = (name: string) => join(root, 'spool', 'sweep@1', 'segments', name);
const here = (name: string) => join(root, 'segments', name);
const collect = () => collectOnce(createShellTransport(), place, copies, []);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "metalab collect ü'"));
  const spool = join(root, 'spool');
  place = { root: spool, id: '0123456789abcdef', folder: join(spool, 'sweep@1'), segments: 'segments' };
  copies = new SegmentCopies(join(root, 'segments'));
  mkdirSync(spool);
  writeFileSync(join(spool, 'store.json'), '{"id":"0123456789abcdef","scheme":1}\n');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(name: string, content: string | Uint8Array): void {
  mkdirSync(dirname(there(name)), { recursive: true });
  writeFileSync(there(name), content);
}

test('only what is new is fetched', async () => {
  write('s1/w.ndjson', '{"a":1}\n');
  expect(await collect()).toEqual({ bytes: 8 });
  appendFileSync(there('s1/w.ndjson'), '{"b":2}\n');
  expect(await collect()).toEqual({ bytes: 8 });
  expect(readFileSync(here('s1/w.ndjson'), 'utf8')).toBe('{"a":1}\n{"b":2}\n');
});

test('an experiment that the spool does not have yet has recorded nothing; a spool that is not there tells nothing', async () => {
  expect(await collect()).toEqual({ bytes: 0 });
  rmSync(place.root, { recursive: true });
  await expect(collect()).rejects.toThrow(NoAnswer);
  // What is mounted there now is another.
  mkdirSync(place.root);
  writeFileSync(join(place.root, 'store.json'), '{"id":"fedcba9876543210"}\n');
  await expect(collect()).rejects.toThrow('is it mounted there?');
});

test('a copy that somebody removed is fetched again from its beginning', async () => {
  write('s1/w.ndjson', '{"a":1}\n');
  await collect();
  rmSync(here('s1/w.ndjson'));
  appendFileSync(there('s1/w.ndjson'), '{"b":2}\n');
  await expect(collect()).rejects.toThrow(NoAnswer);
  await collect();
  expect(readFileSync(here('s1/w.ndjson'), 'utf8')).toBe('{"a":1}\n{"b":2}\n');
});

test('a segment of several parts is copied whole', async () => {
  const line = `${JSON.stringify({ text: 'x'.repeat(1000) })}\n`;
  write('s1/w.ndjson', line.repeat(9_000));
  write('s1/v.ndjson', line);
  expect(await collect()).toEqual({ bytes: line.length * 9_001 });
  expect(readFileSync(here('s1/w.ndjson')).equals(readFileSync(there('s1/w.ndjson')))).toBe(true);
});

test('bytes that the filesystem does not show yet are fetched once it does', async () => {
  write('s1/w.ndjson', '{"a":1}\n{"b\0\0\0\0\0{"c":3}\n');
  await collect();
  expect(readFileSync(here('s1/w.ndjson'), 'utf8')).toBe('{"a":1}\n{"b');
  write('s1/w.ndjson', '{"a":1}\n{"b":22}\n{"c":3}\n');
  await collect();
  expect(readFileSync(here('s1/w.ndjson'), 'utf8')).toBe('{"a":1}\n{"b":22}\n{"c":3}\n');
});

test('segments of tasks that are gone without a word are opened before their size is asked', async () => {
  write('t.0.a.ndjson', '{"a":1}\n');
  write('logs-t.0.a.ndjson', '{"l":1}\n');
  write('t.1.a.ndjson', '{"b":2}\n');
  // Who writes into a pipe waits until somebody opens it.
  const opened = join(root, 'opened');
  const shell = createShellTransport();
  const fifo = there('t.0.b.ndjson');
  await shell.run(['mkfifo', fifo]);
  const writer = shell.run(['timeout', '10', 'sh', '-c', 'true >"$1" && echo >"$2"', 'sh', fifo, opened]);
  const array = { folder: join(root, 'none'), ends: 0, unreported: ['t.0.'], onEnded() {}, onLive() {} };
  expect(await collectOnce(shell, place, copies, [array])).toEqual({ bytes: 24 });
  await writer;
  expect(existsSync(opened)).toBe(true);
});

test('while it looks for what is new it says that it is there', async () => {
  for (let file = 0; file < 250; file++) write(`s1/w${file}.ndjson`, '{"a":1}\n');
  const shell = createShellTransport();
  const first: Buffer[] = [];
  const listening: Transport = {
    ...shell,
    stream: async (command, options) => {
      const { stdout, ended } = await shell.stream(command, options);
      async function* heard() {
        for await (const piece of stdout) {
          first.push(Buffer.from(piece));
          yield piece;
        }
      }
      return { stdout: heard(), ended };
    },
  };
  expect(await collectOnce(listening, place, copies, [])).toEqual({ bytes: 250 * 8 });
  expect(Buffer.concat(first).subarray(0, 3)).toEqual(Buffer.from([10, 10, 0x1f]));
});
