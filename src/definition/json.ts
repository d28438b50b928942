/** Plain JSON: what travels between processes, is fingerprinted, and is written to the store. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export type JsonObject = { [key: string]: JsonValue };
