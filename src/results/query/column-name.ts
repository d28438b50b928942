import type { JsonValue } from '../../definition/json.js';

/** A param's name, or any other column's: those are known at run time. */
export type ColumnName<Params> = (keyof Params & string) | (string & {});

/** A param's values are of its own type. */
export type ColumnValues<Params> = { readonly [param in keyof Params]?: Params[param] } & {
  readonly [column: string]: JsonValue;
};
