import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FileStore } from '../../src/storage/file/file-store.js';
import { openFileStore } from '../../src/storage/file/open.js';
import { lastingFolder } from '../storage/file/temporary-store.js';
import { metalab, startMetalab } from '../support/metalab.js';
import { manifestOf, recordOf, writeSegment } from '../support/records.js';

const LINES = 300_000;
const LONG = recordOf({ index: 0, provenance: { host: 'h', slot: 'a' } });
const TAKEN_OVER = recordOf({ index: 1, provenance: { host: 'h', slot: 'b' } });
const RETRIED = recordOf({ index: 2, status: 'failed', attempt: 2, provenance: { host: 'h', slot: 'b' } });

let store: FileStore;
const logs = (...args: string[]) => metalab(['logs', ...args, '--store', store.root]);

beforeAll(async () => {
  store = await openFileStore(join(lastingFolder(), 'store'), { create: true });
  await store.writeManifest(manifestOf());
  writeSegment(store, [LONG, TAKEN_OVER, RETRIED]);
  const line = (
    { run_id }: { readonly run_id: string },
    attempt: number,
    second: number,
    message: string,
  ) => ({
    run_id,
    attempt,
    generation: 0,
    at: `2026-01-01T00:00:0${second}.000Z`,
    level: 'stdout',
    message,
  });
  const long = Array.from({ length: LINES }, (_, index) => line(LONG, 1, 0, `line ${index}`));
  writeSegment(
    store,
    [line(TAKEN_OVER, 1, 1, 'lost with its worker'), ...long, line(RETRIED, 1, 3, 'try 1')],
    {
      kind: 'logs',
      writer: 'a',
    },
  );
  writeSegment(store, [line(TAKEN_OVER, 1, 2, 'won'), line(RETRIED, 2, 4, 'try 2')], {
    kind: 'logs',
    writer: 'b',
  });
});

describe('metalab logs', () => {
  it('shows hundreds of thousands of lines, in order', async () => {
    const { stdout } = await logs(LONG.run_id);
    const messages = stdout.split('\n').slice(0, -1);
    expect(messages).toHaveLength(LINES);
    expect(messages.at(-1)).toBe(`2026-01-01T00:00:00.000Z stdout line ${LINES - 1}`);
    expect(JSON.parse((await logs(LONG.run_id, '--json')).stdout)).toHaveLength(LINES);
  });

  it('exits without an error when the reader of its pipe closes it', async () => {
    const reading = startMetalab(['logs', LONG.run_id, '--store', store.root]);
    reading.stdout?.once('data', () => reading.stdout?.destroy());
    expect(await reading.finished).toMatchObject({ code: 0, stderr: '' });
  });

  it('shows the final attempt, and with --all every attempt under its heading', async () => {
    expect((await logs(TAKEN_OVER.run_id)).stdout).toBe('2026-01-01T00:00:02.000Z stdout won\n');
    expect((await logs(TAKEN_OVER.run_id, '--all')).stdout.split('\n')).toEqual([
      '== attempt 1, slot a ==',
      expect.stringContaining('lost with its worker'),
      '== attempt 1, slot b ==',
      expect.stringContaining('won'),
      '',
    ]);
  });

  it('says that a run had earlier attempts', async () => {
    const { stdout, stderr } = await logs(RETRIED.run_id);
    expect(stdout).toBe('2026-01-01T00:00:04.000Z stdout try 2\n');
    expect(stderr).toBe('attempt 2 of the run; --all shows the earlier ones too\n');
    expect((await logs(RETRIED.run_id, '--all')).stdout).toMatch(
      /^== attempt 1, slot a ==\n.*try 1\n== attempt 2, slot b ==\n.*try 2\n$/,
    );
  });
});
