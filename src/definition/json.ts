/** Plain JSON: the data that is sent between processes, fingerprinted, and written to the store. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

export type JsonObject = { [key: string]: JsonValue };
