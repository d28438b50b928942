import type { JsonObject, JsonValue } from '../json.js';

/**
 * Where the cases (one object of params each) come from. `at(i)` is O(1) and depends only on `i`, so that any slot can
 * make any case by itself. Only `toSpec()` is sent to other processes.
 */
export interface ParamSource {
  readonly kind: ParamSpec['kind'];
  /** How many cases there are. */
  readonly length: number;
  /** The i-th case, 0 ≤ i < length. Throws a RangeError outside. */
  at(index: number): JsonObject;
  /** The tags of the i-th case's runs, beside the experiment's own. */
  tagsAt(index: number): readonly string[];
  /** The source as plain JSON, from which `paramSourceFromSpec` makes an equal one. */
  toSpec(): ParamSpec;
}

/** A param source as data, as in definitions, manifests and plans. */
export type ParamSpec = GridSpec | RandomSpec | ManualSpec;

export interface GridSpec {
  readonly kind: 'grid';
  /** Values by param, in the order given; keys are sorted before they are multiplied. */
  readonly axes: { readonly [param: string]: readonly JsonValue[] };
}

export interface RandomSpec {
  readonly kind: 'random';
  readonly space: { readonly [param: string]: Distribution };
  readonly trials: number;
  readonly seed: number;
  /** Trials that repeat an earlier one and are left out, ascending: a case that is drawn twice is one case. */
  readonly collapsed?: readonly number[];
}

export interface ManualSpec {
  readonly kind: 'manual';
  readonly cases: readonly JsonObject[];
  readonly tags?: readonly string[];
}

/** How one param of a random search is drawn. */
export type Distribution =
  | { readonly dist: 'uniform'; readonly low: number; readonly high: number }
  | { readonly dist: 'logUniform'; readonly low: number; readonly high: number }
  | { readonly dist: 'int'; readonly low: number; readonly high: number }
  | { readonly dist: 'logInt'; readonly low: number; readonly high: number }
  | { readonly dist: 'normal'; readonly mean: number; readonly std: number }
  | { readonly dist: 'choice'; readonly values: readonly JsonValue[] };

export function checkIndex(index: number, length: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= length) {
    throw new RangeError(`case ${index} is outside 0 … ${length - 1}`);
  }
}
