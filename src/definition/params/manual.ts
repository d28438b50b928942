import type { JsonObject } from '../json.js';
import { checkIndex, type ManualSpec, type ParamSource } from './source.js';

/**
 * The cases themselves, one object each, in their order.
 *
 * @param options.tags tags for the runs of all these cases
 */
export function manual(
  cases: Iterable<JsonObject>,
  options: { readonly tags?: readonly string[] } = {},
): ParamSource {
  return new Manual({ kind: 'manual', cases: [...cases], ...(options.tags ? { tags: options.tags } : {}) });
}

export class Manual implements ParamSource {
  readonly kind = 'manual';
  readonly length: number;
  readonly #spec: ManualSpec;

  constructor(spec: ManualSpec) {
    this.#spec = spec;
    this.length = spec.cases.length;
  }

  at(index: number): JsonObject {
    checkIndex(index, this.length);
    return this.#spec.cases[index]!;
  }

  tagsAt(): readonly string[] {
    return this.#spec.tags ?? [];
  }

  toSpec(): ManualSpec {
    return this.#spec;
  }
}
