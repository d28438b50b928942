import type { Schema } from './environment-type.js';

interface ZodLike extends Schema {
  readonly shape?: { readonly [key: string]: ZodLike };
  readonly def?: { readonly innerType?: ZodLike; readonly in?: ZodLike; readonly valueType?: ZodLike };
}

/** The schemas of an object schema's keys; undefined if it is none, or no zod one. */
export function fieldsOf(schema: Schema): { readonly [key: string]: Schema } | undefined {
  return unwrap(schema)?.shape;
}

/** The schema of the value at a path. */
export function schemaAt(schema: Schema, [key, ...rest]: readonly PropertyKey[]): Schema | undefined {
  if (key === undefined) return schema;
  const object = unwrap(schema);
  const below = object?.shape?.[String(key)] ?? object?.def?.valueType;
  return below && schemaAt(below, rest);
}

/** Unwraps `.optional()`, `.default()`, `.transform()` and similar. */
function unwrap(schema: Schema | undefined): ZodLike | undefined {
  const zod = schema as ZodLike | undefined;
  const inner = zod?.def?.innerType ?? zod?.def?.in;
  return inner ? unwrap(inner) : zod;
}
