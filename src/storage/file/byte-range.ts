/** Bytes of a file: from ≤ offset < to. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}
