import { expect, test } from 'vitest';
import { npy } from '../../src/operation/serializers/npy.js';

function read(bytes: Uint8Array) {
  const buffer = Buffer.from(bytes);
  expect(buffer.toString('latin1', 0, 8)).toBe('\x93NUMPY\x01\x00');
  const start = 10 + buffer.readUInt16LE(8);
  expect(start % 64).toBe(0);
  const header = buffer.toString('latin1', 10, start);
  expect(header.endsWith('\n')).toBe(true);
  return { header: header.trimEnd(), data: buffer.subarray(start) };
}

test('a typed array is one dimension of its elements', () => {
  const { header, data } = read(npy.serialize(new Float64Array([1.5, -2])));
  expect(header).toBe("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }");
  expect([data.readDoubleLE(0), data.readDoubleLE(8), data.length]).toEqual([1.5, -2, 16]);
});

test('a shape makes rows and columns', () => {
  const { header, data } = read(npy.serialize({ data: new Int32Array([1, 2, 3, 4, 5, 6]), shape: [2, 3] }));
  expect(header).toBe("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }");
  expect(data.readInt32LE(20)).toBe(6);
});

test('a part of a larger buffer is written alone', () => {
  const { data } = read(npy.serialize(new Float32Array([0, 1, 2, 3]).subarray(1, 3)));
  expect([data.readFloatLE(0), data.readFloatLE(4), data.length]).toEqual([1, 2, 8]);
});

test.each([
  [new Uint8Array(1), '|u1'],
  [Buffer.alloc(1), '|u1'],
  [new Int8Array(1), '|i1'],
  [new Uint16Array(1), '<u2'],
  [new BigInt64Array(1), '<i8'],
  [new BigUint64Array(1), '<u8'],
])('%o is of type %s', (array, dtype) => {
  expect(npy.accepts(array)).toBe(true);
  expect(read(npy.serialize(array)).header).toContain(`'descr': '${dtype}'`);
});

test('no elements and no dimensions are written as numpy writes them', () => {
  expect(read(npy.serialize(new Float64Array(0))).header).toContain("'shape': (0,)");
  expect(read(npy.serialize({ data: new Float64Array(1), shape: [] })).header).toContain("'shape': ()");
});

test('a shape that does not fit is refused, with both numbers', () => {
  expect(() => npy.serialize({ data: new Float64Array(5), shape: [2, 3] })).toThrow(
    'shape [2,3] has 6 elements, but data has 5',
  );
  expect(() => npy.serialize('text')).toThrow('expected a typed array');
});
