import { afterAll, describe, expect, it } from 'vitest';
import { alone, type Edit, EXP, fingerprintsOf, inExp, replaceAll, STATS } from './edit.js';
import { PROJECT, removeProjects } from './project.js';

afterAll(removeProjects);

const CHANGES_NOTHING: readonly Edit[] = [
  { name: 'a comment in the operation', edit: inExp(['const values', '// of all\n    const values']) },
  { name: 'a comment in a helper', edit: { 'sum.ts': `/** Adds. */\n${PROJECT['sum.ts']}` } },
  { name: 'a licence comment', edit: { 'sum.ts': `/*! @license MIT */\n${PROJECT['sum.ts']}` } },
  { name: 'blank lines and indentation', edit: inExp(['  run({', '\n\n      run({']) },
  {
    name: 'quotes, semicolons and parentheses',
    edit: {
      'stats.ts': replaceAll(STATS, [
        ["'./sum.js';", '"./sum.js"'],
        ['sum(values) / values', '(sum(values)) / (values)'],
      ]),
    },
  },
  { name: 'a trailing comma', edit: inExp(['bounds.high]', 'bounds.high,]']) },
  {
    name: 'another way to write the same number',
    edit: { 'constants.ts': 'export const LIMIT = 1e1;\n' + 'export const OTHER = 20;\n' },
  },
  {
    name: 'CRLF line ends',
    edit: {
      'exp.ts': EXP.replaceAll('\n', '\r\n'),
      'sum.ts': (PROJECT['sum.ts'] as string).replaceAll('\n', '\r\n'),
    },
  },
  { name: 'CRLF within a template', given: alone('', 'return `a\nb`;'), edit: alone('', 'return `a\r\nb`;') },
  { name: 'a byte order mark', edit: { 'sum.ts': `\uFEFF${PROJECT['sum.ts']}` } },
  {
    name: 'types',
    edit: {
      'stats.ts': replaceAll(STATS, [
        ['(values: number[]): number => sum', '(values: readonly number[]) => sum'],
      ]),
    },
  },
  { name: 'an interface that is added', edit: { 'stats.ts': `export interface A { a: 1 }\n${STATS}` } },
  {
    name: 'a type import',
    edit: {
      'stats.ts': `import type { A } from './types.js';\n${STATS}`,
      'types.ts': 'export interface A { a: 1 }',
    },
  },
  { name: 'the grid', edit: inExp(['[1, 2, 3]', '[1, 2, 3, 4]']) },
  {
    name: 'the grid, made by calls and spreads',
    given: inExp(['[1, 2, 3]', '[...Array(3).keys()].map((n) => n + 1)']),
    edit: inExp(['[1, 2, 3]', `[...Array.from({ length: 4 }, (_, n) => String(n)), \`\${4}\`]`]),
  },
  { name: 'the seeds', edit: inExp(['replicates: 2', 'replicates: 20']) },
  { name: "the experiment's name", edit: inExp(["name: 'e'", "name: 'f'"]) },
  {
    name: 'what the experiment spreads in',
    given: inExp(
      ["  name: 'e',", "  ...common(1), name: 'e',"],
      ['export default', `function common(x: number) { return { tags: [\`\${x}\`] } }\nexport default`],
    ),
    edit: inExp(
      ["  name: 'e',", "  ...common(2), name: 'e',"],
      ['export default', `function common(x: number) { return { tags: [\`\${x}\`] } }\nexport default`],
    ),
  },
  {
    name: 'an awaited grid',
    given: inExp(
      ['grid({ n: [1, 2, 3] })', 'grid({ n: await load(1) })'],
      ['export default', 'const load = async (n: number) => [n];\nexport default'],
    ),
    edit: inExp(
      ['grid({ n: [1, 2, 3] })', 'grid({ n: await load(2) })'],
      ['export default', 'const load = async (n: number) => [n, n];\nexport default'],
    ),
  },
  { name: 'an unused export', edit: { 'stats.ts': STATS.replace('>> 1', '>> 2') } },
  {
    name: 'an unused export that is added',
    edit: { 'stats.ts': `${STATS}export const mode = (values: number[]) => values[0];\n` },
  },
  {
    name: 'a constant that only something else uses',
    edit: { 'constants.ts': 'export const LIMIT = 10;\nexport const OTHER = 21;\n' },
  },
  {
    name: 'another function of the experiment file',
    edit: inExp(['draw(chart, OTHER)', 'draw(chart, OTHER + 1)']),
  },
  {
    name: 'a module that only something else uses',
    edit: { 'plot.ts': 'export const draw = (...all: unknown[]) => all;\n' },
  },
  {
    name: 'an unused binding that is called into being',
    given: alone('const x = Object.keys({ a: 1 });'),
    edit: alone(`const x = new Map([[1, 2]]), y = \`\${x}\`;`),
  },
  {
    name: 'an unused binding beside a used one in one declaration',
    given: alone('const a = Math.sqrt(4), b = Math.sqrt(5);', 'return a;'),
    edit: alone('const a = Math.sqrt(4), b = Math.sqrt(6);', 'return a;'),
  },
  {
    name: 'an unused binding destructured from a call',
    given: alone('const { a, b: [c] } = make(1);\nfunction make(x: number): any { return x }'),
    edit: alone('const { a, b: [c], d = 1 } = make(2);\nfunction make(x: number): any { return x + 1 }'),
  },
  {
    name: 'an unused class with static fields and blocks',
    given: alone('class A { static x = Object.keys({}); static { console.log(1) } }'),
    edit: alone('export class A extends Map { static x = Object.keys({ a: 1 }); static { console.log(2) } }'),
  },
  {
    name: 'an unused enum',
    given: alone('enum E { A = "x".length }'),
    edit: alone('export enum E { A = "xy".length, B = 7 }'),
  },
  {
    name: 'an unused tagged template',
    given: alone('const a = String.raw`a`;'),
    edit: alone('const a = String.raw`b`;'),
  },
  {
    name: 'the name of a plain constant',
    edit: inExp(['const bounds', 'const limits'], ['bounds.low, bounds.high', 'limits.low, limits.high']),
  },
  {
    name: "the operation's exported name",
    edit: inExp(['export const op', 'export const operation1'], ['operation: op', 'operation: operation1']),
    after: { exportName: 'operation1' },
  },
  {
    name: 'an unused helper that has the name of a used one',
    edit: {
      'plot.ts':
        'export function sum() { return 0 }\nexport const mean = 1;\nexport const draw = (...all: unknown[]) => [sum(), mean, all];\n',
    },
  },
  {
    name: "a module's name",
    edit: { 'sum.ts': null, 'add.ts': PROJECT['sum.ts']!, 'stats.ts': STATS.replace('./sum.js', './add.js') },
  },
  {
    name: "the name of a default export's module",
    given: {
      'sum.ts': 'export default function (v: number[]) { return v.length }',
      'stats.ts': "import sum from './sum.js';\nexport const mean = (v: number[]) => sum(v);",
    },
    edit: {
      'sum.ts': null,
      'add.ts': 'export default function (v: number[]) { return v.length }',
      'stats.ts': "import sum from './add.js';\nexport const mean = (v: number[]) => sum(v);",
    },
  },
  {
    name: "the experiment file's name and folder",
    edit: { 'exp.ts': null, 'deep/er/other.ts': EXP.replaceAll("'./", "'../../") },
    after: { file: 'deep/er/other.ts', base: 'deep/er' },
  },
  {
    name: 'a barrel in between',
    edit: {
      'barrel.ts': "export * from './stats.js';\nexport * from './plot.js';\n",
      'exp.ts': EXP.replace("'./stats.js'", "'./barrel.js'"),
    },
  },
  {
    name: 'the code of an installed package under the same version',
    edit: { 'node_modules/maths/index.js': 'export const normalise = (x) => x / 3;' },
  },
  {
    name: 'the version of a package that only something else imports',
    edit: {
      'node_modules/charts/package.json': '{ "name": "charts", "version": "4.0.0", "main": "index.js" }',
    },
  },
  {
    name: 'what a linked package has besides',
    edit: {
      'linked/shared-models/index.js': "export { scale } from './scale.js';\nexport const unused = 2;\n",
    },
  },
  {
    name: 'the version of a linked package',
    edit: {
      'linked/shared-models/package.json':
        '{ "name": "shared-models", "version": "9.0.0", "type": "module", "exports": "./index.js" }',
    },
  },
  {
    name: 'an unread key of a JSON file',
    given: {
      ...alone("import data from './data.json' with { type: 'json' };", 'return data.a;'),
      'data.json': '{ "a": 1, "b": 2 }',
    },
    edit: { 'data.json': '{ "b": 3,   "a": 1 }' },
  },
  {
    name: 'a file that `code` does not name',
    given: { 'table.csv': '1', 'other.csv': '1' },
    edit: { 'other.csv': '2' },
    before: { extraFiles: ['table.csv'] },
    after: { extraFiles: ['table.csv'] },
  },
  {
    name: 'the order of unrelated imports',
    edit: inExp([
      "import { draw } from './plot.js';\nimport { mean } from './stats.js';",
      "import { mean } from './stats.js';\nimport { draw } from './plot.js';",
    ]),
  },
];

describe('editing these changes nothing', () => {
  it.concurrent.each(CHANGES_NOTHING)('$name', async (edit) => {
    const [before, after] = await fingerprintsOf(edit);
    expect(after).toBe(before);
  });
});
