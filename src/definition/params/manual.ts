import type { Problem } from '../errors.js';
import type { JsonObject } from '../json.js';
import { formatValue, optionProblems, refuse } from '../refuse.js';
import { checkIndex, type ManualSpec, type ParamSource } from './source.js';

/**
 * The cases themselves, one object each, in their order.
 *
 * @param options.tags tags for the runs of all these cases
 * @throws DefinitionError if the cases are not iterable, or an option is unknown
 */
export function manual(
  cases: Iterable<JsonObject>,
  options: { readonly tags?: readonly string[] } = {},
): ParamSource {
  const problems: Problem[] = optionProblems('manual', options, ['tags']);
  const isIterable = typeof cases === 'object' && cases !== null && Symbol.iterator in cases;
  if (!isIterable)
    problems.push({ where: 'manual', what: `got ${formatValue(cases)}`, expected: 'manual([{ … }, { … }])' });
  refuse(problems);
  if (!isIterable) return new Manual({ kind: 'manual', cases: [] });
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
