import { appendFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../../src/definition/record.js';
import { lineChunks, scanLines } from '../../../../src/storage/file/formats/lines.js';
import { readRecord } from '../../../../src/storage/file/formats/read-record.js';
import { readRecords } from '../../../../src/storage/file/formats/records.js';
import { listSegments, openLines, SegmentTails } from '../../../../src/storage/file/formats/segments.js';
import { EXPERIMENT, recordOf, writeSegment } from '../../../support/records.js';
import { temporaryStore } from '../temporary-store.js';

const line = (record: object) => `${JSON.stringify(record)}\n`;

describe('reading segments', () => {
  it('drops a torn tail, and what is only a newline short', async () => {
    const store = await temporaryStore();
    writeSegment(store, [recordOf({ index: 0 }), line(recordOf({ index: 1 })).slice(0, 99)], { writer: 'a' });
    writeSegment(store, [recordOf({ index: 2 }), line(recordOf({ index: 3 })).trimEnd()], { writer: 'b' });
    writeSegment(store, [recordOf({ index: 4 }), Buffer.alloc(500)], { writer: 'c' });
    expect(await indexesOf(store.experimentFolder(EXPERIMENT))).toEqual({ indexes: [0, 2, 4], corrupt: 0 });
  });

  it('skips corrupt lines in the middle, and tells where they are', async () => {
    const store = await temporaryStore();
    const first = recordOf({ index: 0 });
    writeSegment(store, [
      first,
      '{"run_id":\n',
      '[]\n',
      '5\n',
      '{"no":"record"}\n',
      '\0\0',
      recordOf({ index: 1 }),
      '\n',
      recordOf({ index: 2 }),
    ]);
    expect(await indexesOf(store.experimentFolder(EXPERIMENT))).toEqual({ indexes: [0, 2], corrupt: 5 });
  });

  it('reads lines that are longer than its chunks, across their borders, with their offsets', async () => {
    const store = await temporaryStore();
    const records = [10, 3_000_000, 20, 1_048_576, 30, 1_048_500].map((length, index) =>
      recordOf({ index, notes: ['ü'.repeat(length / 2)] }),
    );
    const path = writeSegment(store, records);
    const lines = openLines(readRecord);
    const seen: RunRecord[] = [];
    for await (const { record, offset } of readRecords(store.experimentFolder(EXPERIMENT))) {
      seen.push(record);
      expect(await lines.read(path, offset)).toEqual(record);
    }
    await lines.close();
    expect(seen).toEqual(records);
  });

  it('keeps its memory when a segment is large', async () => {
    const store = await temporaryStore();
    const path = writeSegment(store, [line(recordOf({})).repeat(60_000)]);
    const buffers = new Set<ArrayBufferLike>();
    for await (const { bytes } of lineChunks(path)) buffers.add(bytes.buffer);
    expect(buffers.size).toBe(1);
  });

  it('finds nothing in a segment that was just removed', async () => {
    expect(await scanLines('/nowhere/segment.ndjson', () => expect.unreachable())).toBe(0);
  });

  it('goes on where it stopped when segments grow and new ones appear', async () => {
    const store = await temporaryStore();
    const path = writeSegment(store, [recordOf({ index: 0 }), line(recordOf({ index: 1 })).slice(0, 50)], {
      writer: 'a',
    });
    const tails = new SegmentTails<RunRecord>(() =>
      listSegments(store.experimentFolder(EXPERIMENT), 'records'),
    );
    const next = async () => {
      const indexes: number[] = [];
      for await (const { index } of tails.read()) indexes.push(index);
      return indexes;
    };
    expect(await next()).toEqual([0]);
    expect(await next()).toEqual([]);
    appendFileSync(path, line(recordOf({ index: 1 })).slice(50));
    writeSegment(store, [recordOf({ index: 2 })], { writer: 'b' });
    expect(await next()).toEqual([1, 2]);
  });

  it('gives series and data of the attempt that won only, and logs of every attempt of a generation in order', async () => {
    const store = await temporaryStore();
    const { run_id } = recordOf();
    const of = (generation: number, attempt: number) => ({ run_id, attempt, generation });
    const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
    writeSegment(
      store,
      [
        { ...of(0, 1), name: 'loss', step: 1, value: 9 },
        { ...of(0, 2), name: 'loss', step: 1, value: 1 },
      ],
      { kind: 'series', writer: 'a' },
    );
    writeSegment(store, [{ ...of(0, 2), name: 'loss', step: 1, value: 7 }], {
      kind: 'series',
      writer: 'zombie',
    });
    writeSegment(
      store,
      [
        { ...of(0, 2), at: at(3), level: 'info', message: 'third' },
        { run_id: 'other', at: at(0), level: 'info', message: 'no' },
      ],
      { kind: 'logs', writer: 'a' },
    );
    writeSegment(
      store,
      [
        { ...of(0, 1), at: at(1), level: 'info', message: 'first' },
        { ...of(1, 1), at: at(0), level: 'info', message: 'later' },
      ],
      { kind: 'logs', writer: 'b' },
    );
    const record = recordOf({ attempt: 2, provenance: { slot: 'a' } });
    expect(await listed(store.series(record))).toEqual([{ ...of(0, 2), name: 'loss', step: 1, value: 1 }]);
    expect(
      (await listed(store.logs(EXPERIMENT, { run_id, generation: 0 }))).map(({ message, slot }) => [
        slot,
        message,
      ]),
    ).toEqual([
      ['b', 'first'],
      ['a', 'third'],
    ]);
    expect((await listed(store.logs(EXPERIMENT, { run_id }))).map(({ message }) => message)).toEqual([
      'first',
      'third',
      'later',
    ]);
    expect(
      (await listed(store.logs(EXPERIMENT, { run_id, slot: 'b' }))).map(({ message }) => message),
    ).toEqual(['first', 'later']);
    expect(
      (await listed(store.logs(EXPERIMENT, { run_id, generation: 0, attempt: 2 }))).map(
        ({ message }) => message,
      ),
    ).toEqual(['third']);
  });
});

async function indexesOf(folder: string) {
  let corrupt = 0;
  const indexes: number[] = [];
  for await (const { record } of readRecords(folder, { onCorrupt: () => corrupt++ }))
    indexes.push(record.index);
  return { indexes, corrupt };
}

async function listed<T>(values: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const value of values) list.push(value);
  return list;
}
