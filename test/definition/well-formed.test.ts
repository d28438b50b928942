import { expect, it } from 'vitest';
import { wellFormedJson } from '../../src/definition/well-formed.js';

it.each([
  '',
  'plain',
  'a\ud83c',
  '\udf89\ud83c',
  '🎉\ud83c🎉',
  '\\ud83c',
  '\\\ud83c',
  '\\\\ud83c',
  '"\ud83c"\n',
  '\u0000\ud83c',
])('%j is written with U+FFFD for halves of surrogate pairs, in as many characters', (text) => {
  const json = JSON.stringify({ [text]: [text] });
  const mended = wellFormedJson(json);
  expect(JSON.parse(mended)).toEqual({ [text.toWellFormed()]: [text.toWellFormed()] });
  expect(mended).toHaveLength(json.length);
});

it('a text with tens of millions of escapes is mended, too', () => {
  const json = `${'\\n'.repeat(40_000_000)}\\ud83c`;
  expect(wellFormedJson(json) === `${json.slice(0, -6)}\\ufffd`).toBe(true);
});

it('a pair that another program escaped stays a pair', () => {
  const pair = String.raw`"\ud83c\udf89"`;
  expect(wellFormedJson(pair)).toBe(pair);
  expect(wellFormedJson(String.raw`"\ud83c\ud83c\udf89\udf89\\ud83c\uDF89"`)).toBe(
    String.raw`"\ufffd\ud83c\udf89\ufffd\\ud83c\ufffd"`,
  );
});
