import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type ExecutionBundle, executionBundle } from '../../../src/identity/code/execution-bundle.js';
import { RUNTIME, runInNode } from './child.js';
import { type Files, makeProject, PROJECT, removeProjects } from './project.js';

afterAll(removeProjects);

const OPERATION = "import { operation } from 'metalab';\n";

/** An operation that returns the value of an expression, after whatever stands before it. */
const alone = (before: string, returned: string): Files => ({
  'exp.ts': `${OPERATION}${before}\nexport const op = operation(() => ${returned});\n`,
});

const bundleOf = (folder: string, exportName = 'op') =>
  executionBundle({ operation: { file: join(folder, 'exp.ts'), exportName } });

/** Imports the bundle as a slot does, in another folder, and prints what the operation returns or throws. */
const run = ({ code, map }: ExecutionBundle, cwd: string) =>
  runInNode(
    `import * as runtime from './runtime.mjs';
globalThis[Symbol.for('metalab.runtime')] = runtime;
const { default: operation } = await import('./operation.mjs');
const metrics = {};
const capture = { metric: (name, value) => { metrics[name] = value; } };
try {
  const returned = await operation.run({ params: { n: 2 }, capture });
  console.log(JSON.stringify({ metrics, returned }));
} catch (error) {
  console.log(JSON.stringify({ message: error.message, stack: error.stack }));
}`,
    { cwd, files: { 'operation.mjs': code, 'operation.mjs.map': map, 'runtime.mjs': RUNTIME } },
  );

async function runOf(files: Files): Promise<unknown> {
  const folder = makeProject(PROJECT, files);
  return run(await bundleOf(folder), folder);
}

describe('an execution bundle', () => {
  it('has everything but metalab in it: it runs where neither the source nor the packages are', async () => {
    const folder = makeProject(PROJECT);
    const bundle = await bundleOf(folder);
    rmSync(join(folder, 'node_modules'), { recursive: true });
    rmSync(join(folder, 'exp.ts'));
    expect(await run(bundle, folder)).toEqual({ metrics: { mean: ((2 + 0 + 10) / 3 / 2) * 3 } });
    expect(bundle.native).toEqual([]);
  });

  it('has stacks that point to the user’s own line, in helpers of other modules too', async () => {
    const folder = makeProject(PROJECT, {
      'exp.ts': `${OPERATION}import { fail } from './fail.js';\n\nexport const op = operation(() => {\n  fail(1);\n});\n`,
      'fail.ts': `interface Shape {\n  readonly a: number;\n}\nexport function fail(a: number): Shape {\n  throw new Error(\`failed \${a}\`);\n}\n`,
    });
    const { message, stack } = (await run(await bundleOf(folder), folder)) as {
      message: string;
      stack: string;
    };
    expect(message).toBe('failed 1');
    expect(stack).toContain(`${folder}/fail.ts:5:9`);
    expect(stack).toContain(`${folder}/exp.ts:5:3`);
  });

  it.each<[string, Files, unknown]>([
    [
      'an initialiser that changes another by a function',
      alone(
        `const weights = [0, 0, 0];
const normalised = fill(weights);
function fill(w: number[]) { for (const at of w.keys()) w[at] = at + 1; return w; }`,
        'weights',
      ),
      [1, 2, 3],
    ],
    [
      'registration under a name, in another module',
      {
        ...alone("import { get } from './registry.js';\nimport './models.js';", 'get()'),
        'registry.ts': `const models = new Map<string, (x: number) => number>();
export function register(name: string, f: (x: number) => number) { models.set(name, f); return f; }
export const get = () => [...models.keys(), models.get('square')?.(3)];
`,
        'models.ts': `import { register } from './registry.js';
export const square = register('square', (x) => x * x);
export const cube = register('cube', (x) => x ** 3);
`,
      },
      ['square', 'cube', 9],
    ],
    [
      'an initialiser that fills an exported table',
      {
        ...alone("import { table } from './table.js';", 'table'),
        'table.ts': `export const table: Record<string, number> = {};
const ready = init();
function init() { table.a = 1; return true; }
`,
      },
      { a: 1 },
    ],
    [
      'destructuring, classes, getters and default exports',
      alone(
        `const seen: string[] = [];
const note = (name: string) => seen.push(name);
const { a } = { a: note('destructured') };
class Unused { static x = note('class'); }
const getting = { get x() { return note('getter'); } };
const got = getting.x;
export default note('default');`,
        'seen',
      ),
      ['destructured', 'class', 'getter', 'default'],
    ],
    [
      'a package imported for what it does',
      {
        ...alone("import 'polyfill';", '(globalThis as { polyfilled?: number }).polyfilled'),
        'node_modules/polyfill/package.json':
          '{ "name": "polyfill", "version": "1.0.0", "type": "module", "main": "index.js" }',
        'node_modules/polyfill/index.js': 'globalThis.polyfilled = 1;',
      },
      1,
    ],
  ])('does what a plain import does, though nobody reads the result: %s', async (_name, files, returned) => {
    expect(await runOf(files)).toEqual({ metrics: {}, returned });
  });

  it('runs an initialiser that visibly changes what the operation uses', async () => {
    const result = await runOf({
      'exp.ts': `${OPERATION}const table = new Map<string, number>();
const filled = table.set('a', 1), merged = Object.assign(table, { extra: 2 });
export const op = operation(() => [table.get('a'), (table as { extra?: number }).extra]);
`,
    });
    expect(result).toEqual({ metrics: {}, returned: [1, 2] });
  });

  it('finds data beside the module that asks for it, in packages of both kinds too', async () => {
    const result = await runOf({
      'exp.ts': `${OPERATION}import { readFileSync } from 'node:fs';
import { own } from 'with-data';
import { words } from 'with-words';
const here = readFileSync(new URL('./table.csv', import.meta.url), 'utf8');
export const op = operation(() => [here, import.meta.dirname === process.cwd(), own, words]);
`,
      'table.csv': 'a,b',
      'node_modules/with-data/package.json':
        '{ "name": "with-data", "version": "1.0.0", "main": "index.js" }',
      'node_modules/with-data/index.js': `'use strict';\nconst { join } = require('path');\nexports.own = require('fs').readFileSync(join(__dirname, 'data.txt'), 'utf8');`,
      'node_modules/with-data/data.txt': 'data',
      'node_modules/with-words/package.json':
        '{ "name": "with-words", "version": "1.0.0", "type": "module", "exports": "./index.js" }',
      'node_modules/with-words/index.js': `import { readFileSync } from 'node:fs';\nexport const words = readFileSync(new URL('words.txt', import.meta.url), 'utf8');`,
      'node_modules/with-words/words.txt': 'words',
    });
    expect(result).toEqual({ metrics: {}, returned: ['a,b', true, 'data', 'words'] });
  });

  it('requires packages with native code from the working directory, and names them', async () => {
    const folder = makeProject(PROJECT, {
      'exp.ts': `${OPERATION}import fast from 'fast';\nimport wrapped from 'wrapper';\nexport const op = operation(() => [fast.answer, wrapped]);\n`,
      'node_modules/fast/package.json':
        '{ "name": "fast", "version": "1.0.0", "main": "index.js", "gypfile": true }',
      'node_modules/fast/index.js': `exports.answer = 'native ' + require('path').basename(__dirname);`,
      'node_modules/wrapper/package.json': '{ "name": "wrapper", "version": "1.0.0", "main": "index.js" }',
      'node_modules/wrapper/index.js': `module.exports = require('inner').version;`,
      'node_modules/wrapper/node_modules/inner/package.json':
        '{ "name": "inner", "version": "2.0.0", "main": "index.js", "dependencies": { "node-gyp-build": "4" } }',
      'node_modules/wrapper/node_modules/inner/index.js': `exports.version = 2;`,
    });
    const bundle = await bundleOf(folder);
    expect(bundle.native).toEqual(['fast', 'inner']);
    expect(bundle.code).not.toContain(folder);
    expect(await run(bundle, folder)).toEqual({ metrics: {}, returned: ['native fast', 2] });
  });

  it('loads a native package that is imported only for what it does', async () => {
    const folder = makeProject(PROJECT, {
      ...alone("import 'fast';", '(globalThis as { backend?: string }).backend'),
      'node_modules/fast/package.json':
        '{ "name": "fast", "version": "1.0.0", "main": "index.js", "gypfile": true }',
      'node_modules/fast/index.js': `globalThis.backend = 'fast';`,
    });
    const bundle = await bundleOf(folder);
    expect(bundle.native).toEqual(['fast']);
    expect(await run(bundle, folder)).toEqual({ metrics: {}, returned: 'fast' });
  });

  it('gives ES modules the default export of CommonJS packages that Node gives them', async () => {
    const result = await runOf({
      'package.json': '{ "name": "no-type" }',
      'exp.ts': `${OPERATION}import lib from 'compiled';\nexport const op = operation(() => Object.keys(lib));\n`,
      'node_modules/compiled/package.json': '{ "name": "compiled", "version": "1.0.0", "main": "index.js" }',
      'node_modules/compiled/index.js': `Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = { inner: 1 };`,
    });
    expect(result).toEqual({ metrics: {}, returned: ['default'] });
  });

  it('is the same in every folder', async () => {
    const one = await bundleOf(makeProject(PROJECT));
    const two = await bundleOf(makeProject(PROJECT));
    expect(two.code).toBe(one.code);
  });

  it('takes a default export, and one with several top-level awaits', async () => {
    const folder = makeProject(PROJECT, {
      'exp.ts': `${OPERATION}const table = await Promise.resolve([1, 2]);\nconst [first] = await Promise.all(table);\nexport default operation(() => [table, first]);\n`,
    });
    expect(await run(await bundleOf(folder, 'default'), folder)).toEqual({
      metrics: {},
      returned: [[1, 2], 1],
    });
  });
});

describe('a computed import finds what `code` names', () => {
  const MODELS: Files = {
    'exp.ts': `${OPERATION}export const op = operation(async () => {
      const found = [];
      for (const name of ['./models/a.mjs', './models/b.ts', './models/c.js', './models/d', './models/e.cjs', './conf.json'])
        found.push((await import(name)).f ?? (await import(name)).default);
      return found.map((f) => (typeof f === 'function' ? f() : f));
    });\n`,
    'models/a.mjs': "export const f = () => 'a';\n",
    'models/b.ts':
      "import { shared } from '../lib/shared.ts';\nexport const f = (): string => shared('b');\n",
    'models/c.ts': "export const f = (): string => 'c as .js';\n",
    'models/d.ts': "export const f = (): string => 'd without an ending';\n",
    'models/e.cjs': "exports.f = () => 'e';\n",
    'conf.json': '{ "g": 1 }',
    'lib/shared.ts': "export const shared = (name: string): string => name + ', shared';\n",
  };

  const bundleWith = (folder: string, declared: readonly string[]) =>
    executionBundle(
      { operation: { file: join(folder, 'exp.ts'), exportName: 'op' } },
      declared.map((path) => join(folder, path)),
    );

  it('where the source is not: TypeScript, CommonJS, JSON, and what these import', async () => {
    const folder = makeProject(PROJECT, MODELS);
    const declared = [
      'models/a.mjs',
      'models/b.ts',
      'models/c.ts',
      'models/d.ts',
      'models/e.cjs',
      'conf.json',
    ];
    const bundle = await bundleWith(folder, declared);
    for (const path of ['exp.ts', 'models', 'lib', 'conf.json'])
      rmSync(join(folder, path), { recursive: true });
    expect(await run(bundle, folder)).toEqual({
      metrics: {},
      returned: ['a', 'b, shared', 'c as .js', 'd without an ending', 'e', { g: 1 }],
    });
  });

  it('relative to the module that imports, evaluated when it is imported and only then', async () => {
    const folder = makeProject(PROJECT, {
      'exp.ts': `${OPERATION}import { load } from './lib/load.ts';
        export const op = operation(async () => [Reflect.get(globalThis, 'seen') ?? 'not yet', (await load('late')).f]);\n`,
      'lib/load.ts': "export const load = (name: string) => import('../models/' + name + '.ts');\n",
      'models/late.ts': "Reflect.set(globalThis, 'seen', 'too early');\nexport const f = 1;\n",
      'models/never.ts': "throw new Error('nobody imports it');\n",
    });
    const bundle = await bundleWith(folder, ['models/late.ts', 'models/never.ts']);
    expect(await run(bundle, folder)).toMatchObject({ returned: ['not yet', 1] });
  });

  it('and says of others what to do; packages and builtins are left to Node', async () => {
    const folder = makeProject(PROJECT, {
      'exp.ts': `${OPERATION}export const op = operation(async () => {
        const names = ['node:path', './models/b.mjs'];
        return [typeof (await import(names[0])).join, await import(names[1]).catch((error) => error.message)];
      });\n`,
      'models/a.mjs': 'export const f = 1;\n',
      'models/b.mjs': 'export const f = 2;\n',
    });
    const { returned } = (await run(await bundleWith(folder, ['models/a.mjs']), folder)) as {
      returned: string[];
    };
    expect(returned[0]).toBe('function');
    expect(returned[1]).toMatch(
      /import\('\.\/models\/b\.mjs'\) in .*exp\.ts: .*b\.mjs is none of the files that the experiment names in code/,
    );
  });

  it('by require in CommonJS, too', async () => {
    const folder = makeProject(PROJECT, {
      'exp.ts': `${OPERATION}import { load } from './load.cjs';\nexport const op = operation(() => load('a'));\n`,
      'load.cjs': "exports.load = (name) => require('./models/' + name).f;\n",
      'models/a.cjs': "exports.f = 'required';\n",
    });
    expect(await run(await bundleWith(folder, ['models/a.cjs']), folder)).toMatchObject({
      returned: 'required',
    });
  });
});
