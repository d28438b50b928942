import type { Serializer } from './serializer.js';

/** Uint8Array (so Buffer too), ArrayBuffer and DataView, as they are. */
export const bytes: Serializer = {
  name: 'bytes',
  accepts: (value) => value instanceof Uint8Array || isRaw(value),
  serialize: (value) => asBytes(value as Uint8Array | DataView | ArrayBuffer | SharedArrayBuffer),
  deserialize: (bytes) => bytes,
};

/** A view of the same memory, not a copy. */
export function asBytes(value: ArrayBufferView | ArrayBuffer | SharedArrayBuffer): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

const isRaw = (value: unknown) =>
  value instanceof ArrayBuffer || value instanceof SharedArrayBuffer || value instanceof DataView;
