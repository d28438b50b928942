import type { Problem } from '../errors.js';
import type { JsonObject, JsonValue } from '../json.js';
import { formatValue, refuse } from '../refuse.js';
import { checkIndex, type GridSpec, type ParamSource } from './source.js';

/**
 * Every combination of the axes' values. Keys are sorted, and the last one varies fastest, so that writing the keys in
 * another order declares the same cases in the same order.
 *
 * @param axes values by param, e.g. `{ samples: [100, 1000], method: ['a', 'b'] }`
 * @throws DefinitionError when an axis is not an array. An empty axis is rejected at submit, with the other problems.
 */
export function grid(
  axes: { readonly [param: string]: readonly JsonValue[] },
  ...more: readonly never[]
): ParamSource {
  if (typeof axes !== 'object' || axes === null || Array.isArray(axes)) {
    refuse([{ where: 'grid', what: `got ${formatValue(axes)}`, expected: 'grid({ param: [values] })' }]);
    return new Grid({ kind: 'grid', axes: {} });
  }
  const problems: Problem[] = Object.entries(axes)
    .filter(([, values]) => !Array.isArray(values))
    .map(([param, values]) => ({
      where: `grid axis '${param}'`,
      what: `is ${values === null ? 'null' : typeof values}`,
      expected: 'an array of values',
      next: `write ${param}: [${JSON.stringify(values) ?? '…'}] for a single value`,
    }));
  if (more.length > 0)
    problems.push({
      where: 'grid',
      what: `got a second argument, ${formatValue(more[0])}`,
      expected: 'the axes alone: it has no options',
      next: 'write every param into the one object',
    });
  refuse(problems);
  const sound = Object.entries(axes).filter(([, values]) => Array.isArray(values));
  return new Grid({ kind: 'grid', axes: problems.length > 0 ? Object.fromEntries(sound) : axes });
}

export class Grid implements ParamSource {
  readonly kind = 'grid';
  readonly length: number;
  readonly #keys: readonly string[];
  readonly #axes: readonly (readonly JsonValue[])[];
  readonly #spec: GridSpec;

  constructor(spec: GridSpec) {
    this.#spec = spec;
    this.#keys = Object.keys(spec.axes).sort();
    this.#axes = this.#keys.map((key) => spec.axes[key]!);
    this.length =
      this.#axes.length === 0 ? 0 : this.#axes.reduce((product, values) => product * values.length, 1);
  }

  at(index: number): JsonObject {
    checkIndex(index, this.length);
    const digits: JsonValue[] = new Array(this.#keys.length);
    let rest = index;
    for (let axis = this.#axes.length - 1; axis >= 0; axis--) {
      const values = this.#axes[axis]!;
      digits[axis] = values[rest % values.length]!;
      rest = Math.floor(rest / values.length);
    }
    const params: JsonObject = {};
    for (let axis = 0; axis < this.#keys.length; axis++) params[this.#keys[axis]!] = digits[axis]!;
    return params;
  }

  tagsAt(): readonly string[] {
    return [];
  }

  toSpec(): GridSpec {
    return this.#spec;
  }
}
