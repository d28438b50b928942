import type { Cell } from './cell.js';
import type { Column } from './columns.js';
import type { Comparison } from './conditions.js';

/** Equally wide bins. With `log`, `low` and `width` are exponents of 10. */
export interface Bins {
  readonly low: number;
  readonly width: number;
  readonly count: number;
  readonly log: boolean;
}

/** A histogram whose names are resolved. The conditions leave only numbers within the bins. */
export interface Histogram {
  readonly column: Column;
  readonly by: readonly Column[];
  readonly bins: Bins;
  readonly where: readonly Comparison[];
}

/** How many runs of a group are in a bin; empty bins are left out. */
export interface BinCount {
  readonly keys: readonly Cell[];
  /** The bin's number, from 0. */
  readonly bin: number;
  readonly n: number;
}
