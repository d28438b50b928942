import { asBytes } from './bytes.js';
import type { Serializer } from './serializer.js';

/** numpy's names of the typed arrays' elements. JavaScript's are little-endian on every machine that Node runs on. */
const DTYPES: { readonly [name: string]: string } = {
  Float64Array: '<f8',
  Float32Array: '<f4',
  BigInt64Array: '<i8',
  BigUint64Array: '<u8',
  Int32Array: '<i4',
  Uint32Array: '<u4',
  Int16Array: '<i2',
  Uint16Array: '<u2',
  Int8Array: '|i1',
  Uint8Array: '|u1',
  Uint8ClampedArray: '|u1',
};

type TypedArray = Exclude<NodeJS.TypedArray, DataView>;

/** A typed array with the shape that numpy shall see, row-major. */
export interface ShapedArray {
  readonly data: TypedArray;
  /** Sizes of the dimensions; their product is the number of elements. */
  readonly shape: readonly number[];
}

/**
 * NumPy's `.npy`, version 1.0, of a typed array (one dimension) or `{ data, shape }`.
 * Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
export const npy: Serializer = {
  name: 'npy',
  accepts: (value) => isTypedArray(value) || isShaped(value),
  serialize: (value) => write(value),
  deserialize: read,
};

const ARRAYS = {
  '<f8': Float64Array,
  '<f4': Float32Array,
  '<i8': BigInt64Array,
  '<u8': BigUint64Array,
  '<i4': Int32Array,
  '<u4': Uint32Array,
  '<i2': Int16Array,
  '<u2': Uint16Array,
  '|i1': Int8Array,
  '|u1': Uint8Array,
} as const;

/** @throws TypeError where the file is of another version or type of elements */
function read(bytes: Uint8Array): ShapedArray {
  const buffer = Buffer.from(bytes);
  const wide = buffer[6] !== 1;
  const start = (wide ? 12 : 10) + (wide ? buffer.readUInt32LE(8) : buffer.readUInt16LE(8));
  const head = buffer.toString('latin1', 10, start);
  const [, dtype = ''] = /'descr': '([^']+)'/.exec(head) ?? [];
  const [, sizes = ''] = /'shape': \(([^)]*)\)/.exec(head) ?? [];
  const ArrayType = ARRAYS[dtype as keyof typeof ARRAYS];
  if (
    !buffer.toString('latin1', 0, 6).endsWith('NUMPY') ||
    !ArrayType ||
    head.includes("'fortran_order': True")
  )
    throw new TypeError(`npy: can't read elements of type ${JSON.stringify(dtype)}, row-major`);
  const data = Uint8Array.from(buffer.subarray(start)).buffer;
  return {
    data: new ArrayType(data),
    shape: sizes
      .split(',')
      .filter((size) => size.trim() !== '')
      .map(Number),
  };
}

const isTypedArray = (value: unknown): value is TypedArray => dtypeOf(value) !== undefined;
const isShaped = (value: unknown): value is ShapedArray =>
  typeof value === 'object' &&
  value !== null &&
  'data' in value &&
  'shape' in value &&
  isTypedArray(value.data);

/** A Buffer is a Uint8Array of another name. */
function dtypeOf(value: unknown): string | undefined {
  if (!ArrayBuffer.isView(value) || value instanceof DataView) return undefined;
  return value instanceof Uint8Array ? '|u1' : DTYPES[value.constructor.name];
}

function write(value: unknown): Uint8Array {
  const { data, shape } = isTypedArray(value) ? { data: value, shape: [value.length] } : shapedArray(value);
  return Buffer.concat([header(dtypeOf(data)!, shape), asBytes(data)]);
}

function shapedArray(value: unknown): ShapedArray {
  if (!isShaped(value))
    throw new TypeError('npy: expected a typed array, or { data: typed array, shape: [rows, columns] }');
  const { data, shape } = value;
  const elements = Array.isArray(shape)
    ? shape.reduce((product: number, size: number) => product * size, 1)
    : Number.NaN;
  if (elements !== data.length) {
    throw new TypeError(
      `npy: shape ${JSON.stringify(shape)} has ${elements} elements, but data has ${data.length}`,
    );
  }
  return value;
}

function header(dtype: string, shape: readonly number[]): Buffer {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${dtype}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // Magic, version and length are 10 bytes; padded with spaces so that the data begins at a multiple of 64.
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(length, 8);
  return Buffer.concat([head, Buffer.from(`${dict.padEnd(length - 1)}\n`, 'latin1')]);
}
