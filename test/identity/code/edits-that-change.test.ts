import { afterAll, describe, expect, it } from 'vitest';
import { alone, type Edit, fingerprintsOf, inExp, STATS } from './edit.js';
import { PROJECT, removeProjects } from './project.js';

afterAll(removeProjects);

const CHANGES_THE_CODE: readonly Edit[] = [
  { name: 'the operation', edit: inExp(["'mean', ", "'average', "]) },
  { name: "the operation's schema", edit: inExp(['n: z.number()', 'n: z.number().int()']) },
  { name: 'a helper', edit: { 'stats.ts': STATS.replace('/ values.length', '/ (values.length - 1)') } },
  {
    name: "a helper's helper in a third module",
    edit: { 'sum.ts': (PROJECT['sum.ts'] as string).replace('value, 0', 'value, 1') },
  },
  {
    name: 'a constant in another module',
    edit: { 'constants.ts': 'export const LIMIT = 11;\nexport const OTHER = 20;\n' },
  },
  { name: 'a constant of the same module', edit: inExp(['low: 0', 'low: 1']) },
  {
    name: 'which of two operands comes first',
    given: alone('const a = 1, b = 2;', 'return a - b;'),
    edit: alone('const a = 1, b = 2;', 'return b - a;'),
  },
  {
    name: 'which helper is called, of two with equal shape',
    given: {
      ...alone("import { f } from './two.js';", 'return f();'),
      'two.ts': 'export const f = () => 1;\nexport const g = () => 2;',
    },
    edit: alone("import { g as f } from './two.js';", 'return f();'),
  },
  {
    name: 'a used binding destructured from a call',
    given: alone('const { a } = make(1);\nfunction make(x: number): any { return { a: x } }', 'return a;'),
    edit: alone('const { a } = make(2);\nfunction make(x: number): any { return { a: x } }', 'return a;'),
  },
  {
    name: 'a used initialiser that calls',
    given: alone('const a = Math.sqrt(4);', 'return a;'),
    edit: alone('const a = Math.sqrt(5);', 'return a;'),
  },
  {
    name: "a used class's static block",
    given: alone('class A { static x = 1; static { A.x = Math.sqrt(2); } }', 'return A.x;'),
    edit: alone('class A { static x = 1; static { A.x = Math.sqrt(3); } }', 'return A.x;'),
  },
  {
    name: 'a used enum',
    given: alone('enum E { A = "x".length }', 'return E.A;'),
    edit: alone('enum E { A = "xy".length }', 'return E.A;'),
  },
  {
    name: 'a used namespace',
    given: alone('namespace N { export const x = 1 }', 'return N.x;'),
    edit: alone('namespace N { export const x = 2 }', 'return N.x;'),
  },
  {
    name: 'a used default export that is an expression',
    given: { ...alone("import f from './f.js';", 'return f;'), 'f.ts': 'export default Math.sqrt(4);' },
    edit: { 'f.ts': 'export default Math.sqrt(5);' },
  },
  {
    name: 'a top-level statement of a reached module',
    given: { 'stats.ts': `${STATS}globalThis.tuned = 1;\n` },
    edit: { 'stats.ts': `${STATS}globalThis.tuned = 2;\n` },
  },
  {
    name: 'a top-level call of a reached module',
    given: { 'stats.ts': `${STATS}register(1);\nfunction register(x: number) { console.log(x) }\n` },
    edit: { 'stats.ts': `${STATS}register(2);\nfunction register(x: number) { console.log(x) }\n` },
  },
  {
    name: 'a module imported for what it does',
    given: { ...alone("import './setup.js';"), 'setup.ts': 'globalThis.a = 1;' },
    edit: { 'setup.ts': 'globalThis.a = 2;' },
  },
  {
    name: 'a package imported for what it does',
    given: alone("import 'maths';"),
    edit: {
      'node_modules/maths/package.json':
        '{ "name": "maths", "version": "1.0.1", "type": "module", "main": "index.js" }',
    },
  },
  {
    name: 'an initialiser that fills a table which is used',
    given: alone('const table = new Map();\nconst unused = table.set(1, Math.sqrt(4));', 'return table;'),
    edit: alone('const table = new Map();\nconst unused = table.set(1, Math.sqrt(5));', 'return table;'),
  },
  {
    name: 'an assignment within an initialiser',
    given: alone('let state = 0;\nconst unused = (state = Math.sqrt(4));', 'return state;'),
    edit: alone('let state = 0;\nconst unused = (state = Math.sqrt(5));', 'return state;'),
  },
  {
    name: 'the version of a package that it imports',
    edit: {
      'node_modules/maths/package.json':
        '{ "name": "maths", "version": "2.0.0", "type": "module", "main": "index.js" }',
    },
  },
  {
    name: 'what is imported from a package',
    given: alone("import { normalise as f } from 'maths';", 'return f;'),
    edit: alone("import { other as f } from 'maths';", 'return f;'),
  },
  {
    name: 'which of a package’s entries is imported',
    given: {
      ...alone("import { a } from 'multi/one';", 'return a;'),
      'node_modules/multi/package.json':
        '{ "name": "multi", "version": "1.0.0", "exports": { "./*": "./*.js" } }',
      'node_modules/multi/one.js': 'exports.a = 1',
      'node_modules/multi/two.js': 'exports.a = 2',
    },
    edit: alone("import { a } from 'multi/two';", 'return a;'),
  },
  {
    name: 'the code of a linked package',
    edit: { 'linked/shared-models/scale.js': 'export const scale = (x) => x * 4;\n' },
  },
  {
    name: 'a package that a nearer version hides',
    given: { 'linked/shared-models/index.js': "export { normalise as scale } from 'maths';" },
    edit: {
      'linked/shared-models/node_modules/maths/package.json':
        '{ "name": "maths", "version": "7.0.0", "main": "index.js" }',
      'linked/shared-models/node_modules/maths/index.js': 'exports.normalise = (x) => x;',
    },
  },
  {
    name: 'a read key of a JSON file',
    given: {
      ...alone("import data from './data.json' with { type: 'json' };", 'return data.a;'),
      'data.json': '{ "a": 1 }',
    },
    edit: { 'data.json': '{ "a": 2 }' },
  },
  {
    name: 'an imported text file',
    given: { ...alone("import text from './prompt.txt';", 'return text;'), 'prompt.txt': 'Hello' },
    edit: { 'prompt.txt': 'Good day' },
  },
  {
    name: 'a module that is imported when needed',
    given: { ...alone('', "return import('./late.js');"), 'late.ts': 'export const x = 1;' },
    edit: { 'late.ts': 'export const x = 2;' },
  },
  {
    name: 'a file that `code` names',
    given: { 'table.csv': '1' },
    edit: { 'table.csv': '2' },
    before: { extraFiles: ['*.csv'] },
    after: { extraFiles: ['*.csv'] },
  },
  {
    name: 'another file that a glob of `code` matches',
    given: { 'models/a.ts': '1' },
    edit: { 'models/deep/b.ts': '2' },
    before: { extraFiles: ['models/**/*.ts'] },
    after: { extraFiles: ['models/**/*.ts'] },
  },
  {
    name: 'the name that a function tells of itself',
    given: alone('const f = (x: number) => x;', 'return f.name;'),
    edit: alone('const g = (x: number) => x;', 'return g.name;'),
  },
  {
    name: 'the name that a local function tells of itself',
    given: alone('', 'const f = (x: number) => x; return f.name;'),
    edit: alone('', 'const g = (x: number) => x; return g.name;'),
  },
  {
    name: 'the name that a default export tells of itself',
    given: {
      ...alone("import f from './f.js';", 'return f.name;'),
      'f.ts': 'export default function one() {}',
    },
    edit: { 'f.ts': 'export default function two() {}' },
  },
  {
    name: 'the name that a class tells of itself',
    given: alone('class A { static x = Math.sqrt(2) }', 'return A.name;'),
    edit: alone('class B { static x = Math.sqrt(2) }', 'return B.name;'),
  },
  {
    name: 'a regular expression’s flags',
    given: alone('const r = /a/g;', 'return r;'),
    edit: alone('const r = /a/i;', 'return r;'),
  },
  {
    name: 'white space within a template',
    given: alone('', 'return `a b`;'),
    edit: alone('', 'return `a  b`;'),
  },
  {
    name: 'how optional a chain is',
    given: alone('const o: any = {};', 'return (o?.a).b;'),
    edit: alone('const o: any = {};', 'return o?.a.b;'),
  },
  { name: 'a sign of zero', given: alone('', 'return -0;'), edit: alone('', 'return 0;') },
];

/** Known limits: each changes nothing that the operation does, and yet its runs are done again. Never the other way round. */
const CHANGES_MORE_THAN_NEED_BE: readonly Edit[] = [
  { name: 'an unused key of an object that is used', edit: inExp(['{ low: 0,', '{ low: 0, unread: 1,']) },
  {
    name: 'a namespace that nobody uses',
    given: alone('namespace N { export const x = 1 }'),
    edit: alone('namespace N { export const x = 2 }'),
  },
  {
    name: 'an unused initialiser that assigns and calls',
    given: alone('let last = 0;\nconst unused = Math.sqrt((last = 4));', 'return last;'),
    edit: alone('let last = 0;\nconst unused = Math.cbrt((last = 4));', 'return last;'),
  },
  {
    name: 'the name of a local variable',
    given: alone('', 'const a = []; a.push(1); return a;'),
    edit: alone('', 'const b = []; b.push(1); return b;'),
  },
  {
    name: 'a helper moved behind the operation',
    given: alone('const f = () => 1;\nconst g = () => f();', 'return g();'),
    edit: alone('const g = () => f();\nconst f = () => 1;', 'return g();'),
  },
];

describe('editing these changes the operation’s code', () => {
  it.concurrent.each(CHANGES_THE_CODE)('$name', async (edit) => {
    const [before, after] = await fingerprintsOf(edit);
    expect(after).not.toBe(before);
  });
});

describe('editing these runs again what need not be', () => {
  it.concurrent.each(CHANGES_MORE_THAN_NEED_BE)('$name', async (edit) => {
    const [before, after] = await fingerprintsOf(edit);
    expect(after).not.toBe(before);
  });
});
