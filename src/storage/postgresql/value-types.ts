import type { JsonValue } from '../../definition/json.js';
import { storableText } from './storable.js';

export const VALUE_SOURCES = ['params', 'metrics', 'derived'] as const;
export type ValueSource = (typeof VALUE_SOURCES)[number];
type ValueType = 'number' | 'text' | 'boolean' | 'json' | 'null';

export interface TypedValue {
  readonly source: string;
  readonly key: string;
  readonly type: string;
}

/** Which types the values of each name have: what an experiment's view is made of. */
export class ValueTypes {
  readonly #known: { readonly [source in ValueSource]: Map<string, Set<ValueType>> } = {
    params: new Map(),
    metrics: new Map(),
    derived: new Map(),
  };
  #added: TypedValue[] = [];

  /** @param known those that the index has */
  constructor(known: readonly TypedValue[]) {
    for (const { source, key, type } of known)
      this.#typesOf(source as ValueSource, key).add(type as ValueType);
  }

  /** @returns whether all numbers among the values are finite */
  add(source: ValueSource, values: { readonly [key: string]: JsonValue } | undefined | null): boolean {
    let finite = true;
    if (typeof values !== 'object' || values === null) return finite;
    for (const key in values) {
      const value = values[key]!;
      const type = typeOf(value);
      if (type === 'number' && !Number.isFinite(value)) finite = false;
      const types = this.#typesOf(source, key);
      if (types.has(type)) continue;
      types.add(type);
      this.#added.push({ source, key: storableText(key), type });
    }
    return finite;
  }

  /** Those that the index does not have yet. */
  takeAdded(): TypedValue[] {
    const added = this.#added;
    this.#added = [];
    return added;
  }

  #typesOf(source: ValueSource, key: string): Set<ValueType> {
    const names = this.#known[source];
    let types = names.get(key);
    if (!types) {
      types = new Set();
      names.set(key, types);
    }
    return types;
  }
}

function typeOf(value: JsonValue): ValueType {
  if (value === null) return 'null';
  if (typeof value === 'object') return 'json';
  return typeof value === 'string' ? 'text' : (typeof value as 'number' | 'boolean');
}
