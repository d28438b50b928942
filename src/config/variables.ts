// One rule: `METALAB_` and a key's name in capitals, for every key of an environment and of its executor table except
// tables, `type` and `services`. Values are written as in TOML without quotes; lists have one item per line.
import type { Schema } from './environment-type.js';
import { fieldsOf } from './schema-shape.js';

/** The variable of a key. */
export const variableOf = (key: string) => `METALAB_${key.toUpperCase()}`;

/** A variable's value for a key. */
export interface VariableValue {
  readonly variable: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

/** The variables' values for an environment's own keys and for its executor's. */
export function valuesOfVariables(schema: Schema, variables: NodeJS.ProcessEnv): VariableValue[] {
  const { executor, ...own } = fieldsOf(schema) ?? {};
  return [
    ...valuesIn(own, [], variables),
    ...valuesIn((executor && fieldsOf(executor)) ?? {}, ['executor'], variables),
  ];
}

function valuesIn(
  fields: { readonly [key: string]: Schema },
  at: readonly string[],
  variables: NodeJS.ProcessEnv,
): VariableValue[] {
  return Object.entries(fields).flatMap(([key, field]) => {
    const variable = variableOf(key);
    const text = variables[variable];
    // An empty variable counts as unset, as for METALAB_STORE.
    if (!text || fieldsOf(field)) return [];
    return [{ variable, path: [...at, key], value: readAs(field, text) }];
  });
}

/** The first reading that the key's schema accepts; the text itself if it accepts none. */
function readAs(field: Schema, text: string): unknown {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const number = Number(text);
  const readings = [
    ...(lines.length > 1 ? [lines] : []),
    text,
    ...(text.trim() !== '' && Number.isFinite(number) ? [number] : []),
    ...(text === 'true' || text === 'false' ? [text === 'true'] : []),
    lines,
  ];
  const taken = readings.find((reading) => field.safeParse(reading).success);
  return taken ?? text;
}
