/** What a module exports, by name. */
export type Namespace = { readonly [name: string]: unknown };

/** What a CommonJS module exports, as its namespace would be if it were an ES module: `default` is `module.exports`. */
export function commonJsNamespace(exports: unknown): Namespace {
  const isObject = typeof exports === 'object' && exports !== null;
  if (isObject && '__esModule' in exports) return exports as Namespace;
  return { ...(isObject ? exports : {}), default: exports };
}
