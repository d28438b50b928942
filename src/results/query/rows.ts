/** A cell of a result. Lists and objects come as their JSON. */
export type Cell = string | number | boolean | null;
export type Row = { readonly [column: string]: Cell };
