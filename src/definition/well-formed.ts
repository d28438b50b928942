/**
 * Half of a surrogate pair, as `JSON.stringify` writes it, with every other escape before it, so that `\\ud800` (a
 * backslash and text) and whole pairs, which it never escapes, are told apart from it.
 */
const ESCAPES = /\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|[\s\S])/g;
const HALF = /^\\u[dD]/;

/**
 * JSON text whose strings and keys are valid Unicode: half of a surrogate pair, which readers such as DuckDB refuse, is
 * U+FFFD in its place. The text keeps its length.
 */
export function wellFormedJson(json: string): string {
  // Two checks of 0.1 ns per character each: nearly all text has neither.
  if (!json.includes('\\ud') && !json.includes('\\uD')) return json;
  return json.replace(ESCAPES, (found) => (HALF.test(found) ? '\\ufffd' : found));
}
