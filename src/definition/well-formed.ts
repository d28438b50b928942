/** Half of a surrogate pair as `JSON.stringify` writes it. Whole pairs are never escaped. */
const HALF = /\\u[dD][89a-fA-F][0-9a-fA-F]{2}/g;

/**
 * Makes the strings and keys of a JSON text valid Unicode: half of a surrogate pair, which readers such as DuckDB
 * refuse, becomes U+FFFD. The length stays the same.
 */
export function wellFormedJson(json: string): string {
  // Two checks of 0.1 ns per character each; nearly all text contains neither.
  if (!json.includes('\\ud') && !json.includes('\\uD')) return json;
  let wellFormed = '';
  let copied = 0;
  // One match at a time: `replace` holds all of them, and a text may have millions.
  for (const { index } of json.matchAll(HALF)) {
    if (isEscaped(json, index)) continue;
    wellFormed += `${json.slice(copied, index)}\\ufffd`;
    copied = index + '\\ufffd'.length;
  }
  return copied === 0 ? json : wellFormed + json.slice(copied);
}

/** Whether a backslash stands for itself: `\\ud800` is a backslash and text. */
function isEscaped(json: string, at: number): boolean {
  let before = at;
  while (json[before - 1] === '\\') before--;
  return (at - before) % 2 === 1;
}
