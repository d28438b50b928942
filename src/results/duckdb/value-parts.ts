import type { JsonValue } from '../../definition/json.js';
import type { ValueColumn, ValueType } from '../../storage/file/formats/runs-file.js';
import { jsonText, valueTypeOf } from '../query/cell.js';

/**
 * A param or metric has one column for each type of value that occurs: `loss` may be a number in most runs and a text in
 * one. So values of different types never merge, and numbers are numbers.
 */
export type ValuePart = Pick<ValueColumn, 'source' | 'key' | 'type'>;

export const PART_TYPES: { readonly [type in ValueType]: string } = {
  number: 'DOUBLE',
  text: 'VARCHAR',
  boolean: 'BOOLEAN',
  json: 'VARCHAR',
  /** True where the value is null. */
  null: 'BOOLEAN',
};

export const partKey = ({ source, key, type }: ValuePart): string => `${type} ${source}.${key}`;

/** A value as the column of its type holds it. */
export function partValue(value: JsonValue): { readonly type: ValueType; readonly stored: unknown } {
  const type = valueTypeOf(value);
  if (type === 'null') return { type, stored: true };
  return { type, stored: type === 'json' ? jsonText(value) : value };
}

const ORDER: readonly ValueType[] = ['number', 'boolean', 'text', 'json', 'null'];

export const valueTypeOrder = (type: ValueType): number => ORDER.indexOf(type);
