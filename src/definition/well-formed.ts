/**
 * Half of a surrogate pair as `JSON.stringify` writes it, and whole pairs, which Python's `json` escapes, too. Other escapes are
 * matched first, so that `\\ud800` (a backslash and text) is not taken for one.
 */
const ESCAPES =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|[\s\S])/g;
const HALF = /^\\u[dD].{3}$/;

/**
 * Makes the strings and keys of a JSON text valid Unicode: half of a surrogate pair, which readers such as DuckDB
 * refuse, becomes U+FFFD. The length stays the same.
 */
export function wellFormedJson(json: string): string {
  // Two checks of 0.1 ns per character each; nearly all text contains neither.
  if (!json.includes('\\ud') && !json.includes('\\uD')) return json;
  return json.replace(ESCAPES, (found) => (HALF.test(found) ? '\\ufffd' : found));
}
