import { expect, it } from 'vitest';
import { artifactFileNames } from '../../../src/client/artifacts/file-names.js';

const nameOf = (name: string, format = 'json') => artifactFileNames([{ name, format }])[0];

it.each([
  ['fit', 'svg', 'fit.svg'],
  ['fit.svg', 'svg', 'fit.svg'],
  ['notes', 'text', 'notes.txt'],
  ['weights', 'bytes', 'weights'],
  ['trajectory 1', 'npy', 'trajectory 1.npy'],
  ['größe', 'csv', 'größe.csv'],
  ['a/b', 'json', 'a%2Fb.json'],
  ['../../etc/passwd', 'bytes', '%2E.%2F..%2Fetc%2Fpasswd'],
  ['..', 'bytes', '%2E%2E'],
  ['.hidden', 'bytes', '%2Ehidden'],
  ['a\u0000\n"*?<>|:\\', 'bytes', 'a%00%0A%22%2A%3F%3C%3E%7C%3A%5C'],
  ['100%', 'bytes', '100%25'],
  ['CON', 'json', '%CON.json'],
  ['', 'json', '%.json'],
  ['x', '../../evil', 'x'],
])('%j of format %s is the file %s', (name, format, file) => {
  expect(nameOf(name, format)).toBe(file);
});

it('files of a run have different names, in whatever case, and none is too long', () => {
  expect(
    artifactFileNames([
      { name: 'fit', format: 'svg' },
      { name: 'Fit.svg', format: 'svg' },
      { name: 'fit', format: 'png' },
    ]),
  ).toEqual(['fit.svg', 'Fit (2).svg', 'fit.png']);
  const long = [nameOf(`${'ü'.repeat(300)}a`)!, nameOf(`${'ü'.repeat(300)}b`)!];
  expect(long[0]).not.toBe(long[1]);
  for (const name of long) expect(Buffer.byteLength(name)).toBeLessThan(255 - 33 - 20);
});
