import { isUtf8 } from 'node:buffer';
import { describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../../src/definition/record.js';
import type { RecordHead } from '../../../../src/storage/file/formats/record-head.js';
import {
  hasSegments,
  listSegmentParts,
  scanFinalHeads,
  scanPartHeads,
  scanRecordHeads,
} from '../../../../src/storage/file/formats/records.js';
import { EXPERIMENT, recordOf, writeSegment } from '../../../support/records.js';
import { temporaryStore } from '../temporary-store.js';

const KEYS = [
  'run_id',
  'status',
  'generation',
  'context_fingerprint',
  'params_fingerprint',
  'seed_fingerprint',
  'code_fingerprint',
  'index',
  'finished_at',
] as const;
const pick = (from: RecordHead | RunRecord) => Object.fromEntries(KEYS.map((key) => [key, from[key]]));

/** Records that try to be taken for something else. */
const TRICKY: readonly RunRecord[] = [
  recordOf({ index: 0, status: 'cancelled', generation: 4_000_000_000, metrics: {} }),
  recordOf({
    index: 1_234_567,
    params: { a: '","finished_at":"1999"', finished_at: '1998', b: { c: [{ '}': '{\\"' }] } },
  }),
  recordOf({
    index: 2,
    metrics: { 'm","finished_at":"1997': 'x\\', n: '\\\\"' },
    finished_at: '2026-02-02T00:00:00.000Z',
  }),
  recordOf({ index: 3, run_id: 'short', params_fingerprint: '', code_fingerprint: 'not of 32 characters' }),
  recordOf({
    index: 4,
    params: { text: 'ü€😀"\u0000\n' },
    status: 'failed',
    error: { type: 'E', message: '"status":"success"' },
  }),
  recordOf({ index: 5, experiment_id: `${'long'.repeat(200)}:1` }),
];

describe('scanning record heads', () => {
  it('reads what JSON.parse reads, whatever the user put into params and metrics', async () => {
    const store = await temporaryStore();
    writeSegment(store, TRICKY);
    const heads: unknown[] = [];
    await scanRecordHeads(store.experimentFolder(EXPERIMENT), (head) => heads.push(pick(head)));
    expect(heads).toEqual(TRICKY.map(pick));
  });

  it('reads records that others wrote, with keys in another order and white space', async () => {
    const store = await temporaryStore();
    const foreign = Object.fromEntries(Object.entries(TRICKY[1]!).reverse());
    writeSegment(store, [foreign, `${JSON.stringify(TRICKY[2]).replace('{"run_id":', '{ "run_id": ')}\n`]);
    const heads: unknown[] = [];
    await scanRecordHeads(store.experimentFolder(EXPERIMENT), (head) => heads.push(pick(head)));
    expect(heads).toEqual([TRICKY[1]!, TRICKY[2]!].map(pick));
  });

  it('takes no line for a record that a network filesystem left full of NUL bytes', async () => {
    const store = await temporaryStore();
    const holed = Buffer.from(`${JSON.stringify(recordOf({ index: 1 }))}\n`).fill(0, 500, 600);
    writeSegment(store, [recordOf({ index: 0 }), holed, recordOf({ index: 2 })]);
    const indexes: number[] = [];
    await scanRecordHeads(store.experimentFolder(EXPERIMENT), ({ index }) => indexes.push(index));
    expect(indexes).toEqual([0, 2]);
  });

  it('reports the position of records, and lines that are not records', async () => {
    const store = await temporaryStore();
    writeSegment(store, [recordOf({ index: 0 }), 'garbage\n', recordOf({ index: 1 }), '{"run_id":"torn'], {
      submission: 's2',
    });
    const seen: unknown[] = [];
    const corrupt: unknown[] = [];
    await scanRecordHeads(
      store.experimentFolder(EXPERIMENT),
      ({ segment, offset, index }) => seen.push([segment, offset, index]),
      { onCorrupt: (line) => corrupt.push(line) },
    );
    const length = JSON.stringify(recordOf({ index: 0 })).length + 1;
    expect(seen).toEqual([
      ['s2/host-1-aa.ndjson', 0, 0],
      ['s2/host-1-aa.ndjson', length + 8, 1],
    ]);
    expect(corrupt).toEqual([{ segment: 's2/host-1-aa.ndjson', offset: length }]);
  });

  it('takes no line for a record that is damaged beyond its head, wherever that is', async () => {
    const store = await temporaryStore();
    const folder = store.experimentFolder(EXPERIMENT);
    const whole = Buffer.from(JSON.stringify(recordOf({ params: { text: 'a{ü\\"b', list: [1, true] } })));
    const head = whole.indexOf('"replicate":');
    const damaged: Buffer[] = [];
    for (let at = head; at < whole.length; at++) {
      for (const byte of ['"', '{', '}', '\u0001', '\xff']) {
        const line = Buffer.from(whole);
        line.write(byte, at, 'latin1');
        damaged.push(line);
      }
    }
    damaged.push(Buffer.concat([whole.subarray(0, -40), whole]), whole.subarray(0, -1), whole);
    const isWhole = (line: Buffer) => {
      try {
        return isUtf8(line) && JSON.parse(line.toString()) !== null;
      } catch {
        return false;
      }
    };
    writeSegment(
      store,
      damaged.flatMap((line) => [line, '\n']),
    );
    let offset = 0;
    const expected = damaged.map((line) => {
      offset += line.length + 1;
      return isWhole(line) ? 'record' : offset - line.length - 1;
    });
    const seen: ('record' | number)[] = [];
    await scanRecordHeads(folder, () => seen.push('record'), {
      onCorrupt: (line) => seen.push(line.offset),
    });
    expect(seen).toEqual(expected);
    expect(seen.at(-1)).toBe('record');
    expect(seen.filter((each) => each !== 'record').length).toBeGreaterThan(1000);
  });

  it('scans one submission where it is asked to, and never logs or series', async () => {
    const store = await temporaryStore();
    const folder = store.experimentFolder(EXPERIMENT);
    expect(await hasSegments(folder)).toBe(false);
    writeSegment(store, [recordOf()], { kind: 'logs' });
    expect(await hasSegments(folder)).toBe(false);
    writeSegment(store, [recordOf({ index: 1 })], { submission: 's1' });
    writeSegment(store, [recordOf({ index: 2 })], { submission: 's2' });
    const indexes: number[] = [];
    const { parts } = await listSegmentParts(folder, 's2');
    for (const part of parts) await scanPartHeads(part, ({ index }) => indexes.push(index));
    expect(indexes).toEqual([2]);
    expect(await hasSegments(folder)).toBe(true);
  });

  it('keeps the final record of every run, wherever it is', async () => {
    const store = await temporaryStore();
    const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
    const later = [
      recordOf({ index: 0, generation: 1, status: 'failed', finished_at: at(9) }),
      recordOf({ index: 1, status: 'success', finished_at: at(5), duration_ms: 1 }),
      recordOf({ index: 2, status: 'cancelled', finished_at: at(1) }),
    ];
    const earlier = [
      recordOf({ index: 0, generation: 0, status: 'success', finished_at: at(1) }),
      recordOf({ index: 1, status: 'success', finished_at: at(6), duration_ms: 2 }),
      recordOf({ index: 2, status: 'failed', finished_at: at(8) }),
    ];
    writeSegment(store, later, { writer: 'a' });
    writeSegment(store, earlier, { writer: 'b' });
    const finals = await scanFinalHeads(store.experimentFolder(EXPERIMENT));
    expect([...finals.values()].map(pick)).toEqual([later[0]!, later[1]!, earlier[2]!].map(pick));
  });
});
