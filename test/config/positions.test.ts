import { parse } from 'smol-toml';
import { expect, test } from 'vitest';
import { positionsOf } from '../../src/config/positions.js';

const TEXT = `# a comment = 1
title = "x # no = comment" # one
a.b."c d" = 1
'e.f' = [1, # "
  { g = 2, h.i = 3 },
  "]",
  4]
[environments]
[environments.cluster] # [no]
setup = """
[no.table]
key = "\\""" = \\\\"
"""
raw = '''
it's = 1'''''
"quoted \\u00e9" = true
inline = { x = 1, y = { "z z" = [ { k = 1 },
  { k = 2 } ] },
  w = 2024-01-01 }
  [ environments . "my.own" ]
deep.er = +inf
[[jobs]]
name = "a"
[jobs.more]
x = 1
[[jobs]]
name = "b"
[[jobs.parts]]
p = 1
[[jobs.parts]]
p = 2
`;

test('every key, item and table is found in its line, however it is written', () => {
  for (const text of [TEXT, TEXT.replaceAll('\n', '\r\n'), `\ufeff${TEXT}`]) {
    const lineOf = positionsOf(text);
    const expected: [path: (string | number)[], line: number | undefined][] = [
      [['title'], 2],
      [['a'], 3],
      [['a', 'b'], 3],
      [['a', 'b', 'c d'], 3],
      [['e.f'], 4],
      [['e.f', 0], 4],
      [['e.f', 1, 'g'], 5],
      [['e.f', 1, 'h', 'i'], 5],
      [['e.f', 3], 7],
      [['environments'], 8],
      [['environments', 'cluster'], 9],
      [['environments', 'cluster', 'setup'], 10],
      [['environments', 'cluster', 'raw'], 14],
      [['environments', 'cluster', 'quoted é'], 16],
      [['environments', 'cluster', 'inline', 'y', 'z z', 0, 'k'], 17],
      [['environments', 'cluster', 'inline', 'y', 'z z', 1, 'k'], 18],
      [['environments', 'cluster', 'inline', 'w'], 19],
      [['environments', 'my.own'], 20],
      [['environments', 'my.own', 'deep', 'er'], 21],
      [['jobs'], 22],
      [['jobs', 0], 22],
      [['jobs', 0, 'name'], 23],
      [['jobs', 0, 'more', 'x'], 25],
      [['jobs', 1], 26],
      [['jobs', 1, 'name'], 27],
      [['jobs', 1, 'parts', 0, 'p'], 29],
      [['jobs', 1, 'parts', 1, 'p'], 31],
      [['no'], undefined],
      [['no', 'table'], undefined],
      [['environments', 'cluster', 'key'], undefined],
    ];
    expect(expected.map(([path]) => [path, lineOf(path)])).toEqual(expected);
    for (const path of pathsOf(parse(text))) expect(lineOf(path), path.join('.')).toBeGreaterThan(0);
  }
});

function* pathsOf(value: unknown, at: (string | number)[] = []): Generator<(string | number)[]> {
  if (typeof value !== 'object' || value === null || value instanceof Date) return;
  for (const [key, item] of Object.entries(value)) {
    const path = [...at, Array.isArray(value) ? Number(key) : key];
    yield path;
    yield* pathsOf(item, path);
  }
}
