import { expect, it } from 'vitest';
import {
  listSegmentParts,
  scanPartHeads,
  scanRecordHeads,
} from '../../../../src/storage/file/formats/records.js';
import { EXPERIMENT, recordOf, writeSegment } from '../../../support/records.js';
import { temporaryStore } from '../temporary-store.js';

const placeOf = ({ segment, offset, index }: { segment: string; offset: number; index: number }) =>
  `${segment}@${offset}:${index}`;

it('parts of any size give every line of the segments once', async () => {
  const store = await temporaryStore();
  const folder = store.experimentFolder(EXPERIMENT);
  const records = Array.from({ length: 12 }, (_, index) =>
    recordOf({ index, metrics: { pi: 'x'.repeat(index * 9) } }),
  );
  const torn = JSON.stringify(recordOf({ index: 99 })).slice(0, -7);
  writeSegment(store, [...records, '\n', '\0\0\0\n', recordOf({ index: 50 }), torn], { writer: 'a-1-aa' });
  writeSegment(store, [recordOf({ index: 60 })], { writer: 'b-1-bb', submission: 's2' });
  writeSegment(store, [], { writer: 'c-1-cc', submission: 's2' });

  const all: string[] = [];
  await scanRecordHeads(folder, (head) => all.push(placeOf(head)));
  expect(all).toHaveLength(14);
  const longest = Buffer.byteLength(JSON.stringify(records.at(-1)));
  const sizes = [...Array.from({ length: 60 }, (_, size) => 61 + size * 13), longest, longest + 1, 1e6];
  for (const size of sizes) {
    const found: string[] = [];
    const { parts } = await listSegmentParts(folder, undefined, size);
    for (const part of parts) await scanPartHeads(part, (head) => found.push(placeOf(head)));
    expect(found, `parts of ${size} bytes`).toEqual(all);
  }
});

it('a part may begin and end at any byte of a line', async () => {
  const store = await temporaryStore();
  const folder = store.experimentFolder(EXPERIMENT);
  const path = writeSegment(store, [recordOf({ index: 0 }), recordOf({ index: 1 })]);
  const line = Buffer.byteLength(JSON.stringify(recordOf({ index: 0 }))) + 1;
  for (let at = 1; at <= line + 2; at++) {
    const found: number[][] = [[], []];
    const [first, second] = [
      { segment: 's', path, from: 0, to: at },
      { segment: 's', path, from: at, to: Number.POSITIVE_INFINITY },
    ];
    await scanPartHeads(first, ({ index }) => found[0]!.push(index));
    await scanPartHeads(second, ({ index }) => found[1]!.push(index));
    expect(found, `cut at ${at}`).toEqual(at <= line ? [[0], [1]] : [[0, 1], []]);
  }
  expect((await listSegmentParts(folder)).bytes).toBe(2 * line);
});

it('a segment that is gone has no lines', async () => {
  const part = { segment: 's', path: '/nowhere/a.ndjson', from: 0, to: 10 };
  await scanPartHeads(part, () => expect.unreachable());
});
