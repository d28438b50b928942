import { expect, it } from 'vitest';
import { jsonPieces } from '../../src/results/export/json-pieces.js';

/** Characters of one to four bytes, so that every border of a piece falls between some of them. */
const LONG = 'a"\n漢😀'.repeat(700_000);

it.each([
  ['small', { a: 1, b: [null, 'x', true, {}], c: undefined, 'a "name"': '' }],
  ['a text', LONG],
  ['a text whose borders are within pairs', `a${'😀'.repeat(1_100_000)}`],
  [
    'members around a text',
    { first: 1, text: LONG, left_out: undefined, list: [LONG, 2, undefined], last: {} },
  ],
  ['a list', Array.from({ length: 300_000 }, (_, at) => at / 7)],
  ['an object', Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`name ${at}`, [at]]))],
] as const)('%s is what JSON.stringify would write, in pieces', (_, value) => {
  const pieces = [...jsonPieces(value)];
  const json = JSON.stringify(value);
  expect(pieces.join('') === json).toBe(true);
  for (const piece of pieces) expect(piece.length).toBeLessThan(5 << 20);
});

it('numbers that are not finite are as in records', () => {
  const nan = { $numberDouble: 'NaN' };
  expect([...jsonPieces({ a: Number.NaN })].join('')).toBe(JSON.stringify({ a: nan }));
  const long = 'x'.repeat(2 << 20);
  expect([...jsonPieces([long, { a: Number.NaN }])].join('')).toBe(JSON.stringify([long, { a: nan }]));
});
