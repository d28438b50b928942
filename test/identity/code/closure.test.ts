import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { closureIn, type Files, makeProject, PROJECT, removeProjects } from './project.js';

afterAll(removeProjects);

const warningsOf = async (
  body: string,
  before = '',
  extraFiles: readonly string[] = [],
  further: Files = {},
) => {
  const files: Files = {
    ...further,
    'exp.ts': `import { operation } from 'metalab';\n${before}\nexport const op = operation(async ({ params, context }: any) => { ${body} });\n`,
  };
  return (await closureIn(makeProject(PROJECT, files), { extraFiles })).warnings;
};

describe('a code closure', () => {
  it('tells the modules and packages that the operation reaches, and none else', async () => {
    const { fingerprint, modules, packages, warnings } = await closureIn(makeProject(PROJECT));
    expect(fingerprint).toMatch(/^[0-9a-f]{32}$/);
    expect(Object.keys(modules).sort()).toEqual([
      'constants.ts',
      'exp.ts',
      'linked/shared-models/scale.js',
      'stats.ts',
      'sum.ts',
    ]);
    expect(packages).toEqual({ maths: '1.0.0', 'shared-models': expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(warnings).toEqual([]);
  });

  it('tells which module changed, and only that', async () => {
    const before = await closureIn(makeProject(PROJECT));
    const after = await closureIn(
      makeProject(PROJECT, { 'sum.ts': 'export function sum(values: number[]) { return values.length; }' }),
    );
    const changed = Object.keys(after.modules).filter((path) => after.modules[path] !== before.modules[path]);
    expect(changed).toEqual(['sum.ts']);
  });

  it('is the same when the folder is moved', async () => {
    const folder = makeProject(PROJECT);
    const before = await closureIn(folder);
    const inside = makeProject({});
    mkdirSync(join(inside, 'a'));
    renameSync(folder, join(inside, 'a/b'));
    expect(await closureIn(join(inside, 'a/b'))).toEqual(before);
  });

  it('names both versions of a package where two are reached', async () => {
    const { packages } = await closureIn(
      makeProject(PROJECT, {
        'linked/shared-models/scale.js':
          "import { normalise } from 'maths';\nexport const scale = (x) => normalise(x);",
        'linked/shared-models/node_modules/maths/package.json':
          '{ "name": "maths", "version": "7.0.0", "main": "index.js" }',
        'linked/shared-models/node_modules/maths/index.js': 'exports.normalise = (x) => x;',
      }),
    );
    expect(packages.maths).toBe('1.0.0, 7.0.0');
  });

  const installed = (name: string, version: string, more = {}) =>
    JSON.stringify({ name, version, main: 'index.js', ...more });
  const DEPENDENT: Files = {
    'node_modules/maths/package.json': installed('maths', '1.0.0', {
      dependencies: { bar: '*', missing: '*', metalab: '*' },
      optionalDependencies: { other: '*' },
      peerDependencies: { peer: '*' },
    }),
    'node_modules/bar/package.json': installed('bar', '1.0.0', { dependencies: { maths: '*', deep: '*' } }),
    'node_modules/bar/node_modules/deep/package.json': installed('deep', '3.0.0'),
    'node_modules/deep/package.json': installed('deep', '2.0.0'),
    'node_modules/peer/package.json': installed('peer', '1.0.0', { dependencies: { deep: '*' } }),
    'node_modules/metalab/package.json': installed('metalab', '1.0.0'),
    'node_modules/unrelated/package.json': installed('unrelated', '1.0.0'),
  };

  it('names the packages that packages depend on, as installed', async () => {
    const { packages } = await closureIn(makeProject(PROJECT, DEPENDENT));
    expect(packages).toEqual({
      maths: '1.0.0',
      bar: '1.0.0',
      deep: '2.0.0, 3.0.0',
      peer: '1.0.0',
      'shared-models': expect.any(String),
    });
  });

  it.each<[string, Files]>([
    [
      'a dependency of a package',
      { 'node_modules/bar/package.json': installed('bar', '2.0.0', { dependencies: { deep: '*' } }) },
    ],
    [
      'a dependency of a dependency',
      { 'node_modules/bar/node_modules/deep/package.json': installed('deep', '3.0.1') },
    ],
    [
      'an optional dependency, by being installed',
      { 'node_modules/other/package.json': installed('other', '1.0.0') },
    ],
    [
      'which dependent gets which version',
      {
        'node_modules/bar/node_modules/deep/package.json': installed('deep', '2.0.0'),
        'node_modules/deep/package.json': installed('deep', '3.0.0'),
      },
    ],
  ])('has another fingerprint for another version of %s', async (_name, edit) => {
    const before = await closureIn(makeProject(PROJECT, DEPENDENT));
    const after = await closureIn(makeProject(PROJECT, DEPENDENT, edit));
    expect(after.fingerprint).not.toBe(before.fingerprint);
  });

  it('does not count packages that nothing reached depends on, nor where the others are installed', async () => {
    const before = await closureIn(makeProject(PROJECT, DEPENDENT));
    const after = await closureIn(
      makeProject(PROJECT, DEPENDENT, {
        'node_modules/unrelated/package.json': installed('unrelated', '2.0.0'),
        'node_modules/metalab/package.json': installed('metalab', '2.0.0'),
        'node_modules/peer/node_modules/deep/package.json': installed('deep', '2.0.0'),
      }),
    );
    expect(after).toEqual(before);
  });

  it('takes the version of a package whose parts have package.json files of their own', async () => {
    const { packages } = await closureIn(
      makeProject(PROJECT, {
        'node_modules/maths/package.json': installed('maths', '1.5.0', { main: 'part/index.js' }),
        'node_modules/maths/part/package.json': '{ "name": "maths/part" }',
        'node_modules/maths/part/index.js': 'exports.normalise = (x) => x;',
      }),
    );
    expect(packages.maths).toBe('1.5.0');
  });

  it('counts files that `code` names, by path', async () => {
    const folder = makeProject(PROJECT, {
      'models/a.csv': '1',
      'models/b.txt': '2',
      'models/deep/c.csv': '3',
    });
    const { modules } = await closureIn(folder, { extraFiles: ['models/**/*.csv', 'models/b.txt'] });
    expect(Object.keys(modules).filter((path) => path.startsWith('models'))).toEqual([
      'models/a.csv',
      'models/b.txt',
      'models/deep/c.csv',
    ]);
  });

  it('refuses all the names in `code` that match nothing', async () => {
    const closure = closureIn(makeProject(PROJECT), { extraFiles: ['nothing.csv', 'no/**/*.ts', 'plot.ts'] });
    await expect(closure).rejects.toMatchObject({
      problems: [{ where: "code: 'nothing.csv'" }, { where: "code: 'no/**/*.ts'" }],
    });
  });
});

describe('what identity can’t see is reported', () => {
  it.each([
    [
      'a computed import',
      'return import(params.name);',
      '',
      /^exp\.ts imports a module whose name is computed/,
    ],
    [
      'data found by import.meta',
      "return new URL('./table.csv', import.meta.url);",
      '',
      /^exp\.ts finds its data by import\.meta\.url/,
    ],
    [
      'a file read by its path',
      "return readFileSync('table.csv');",
      "import { readFileSync } from 'fs';",
      /^exp\.ts reads a file by its path: readFileSync/,
    ],
    [
      'a module loaded by createRequire',
      "return createRequire('/')('x');",
      "import { createRequire } from 'node:module';",
      /^exp\.ts loads modules by createRequire/,
    ],
  ])('%s, with the remedy', async (_name, body, before, expected) => {
    const warnings = await warningsOf(body, before);
    expect(warnings[0]).toMatch(expected);
    expect(warnings[0]).toContain("code: ['…']");
  });

  it('but not what metalab itself gives the path of, or what something else does', async () => {
    const fs = "import { readFileSync } from 'node:fs';";
    expect(await warningsOf('return readFileSync(context.table.path);', fs)).toEqual([]);
    expect(await warningsOf('return 1;', `${fs}\nexport const other = () => readFileSync('x');`)).toEqual([]);
  });

  it.each([
    ['through a variable', 'const path = context.table.path; return readFileSync(path);'],
    ['destructured', 'const { table: { path } } = context; return readFileSync(path);'],
    [
      'of a folder, in a loop',
      'for (const name of context.images.files) readFileSync(join(context.images.path, name));',
    ],
    [
      'of a folder, in a callback',
      'const { path, files } = context.images; return files.map((name) => readFileSync(join(path, name)));',
    ],
    [
      'by a function of its own',
      'const read = (path: string) => readFileSync(path); return read(context.table.path);',
    ],
    ['by a function of another module', 'return load(context.table.path);'],
  ])('but not a path of the context %s', async (_how, body) => {
    const before =
      "import { readFileSync } from 'node:fs';\nimport { join } from 'node:path';\nimport { load } from './load.js';";
    const given = {
      'load.ts':
        "import { readFileSync } from 'node:fs';\nexport const load = (path: string) => readFileSync(path);\n",
    };
    expect(await warningsOf(body, before, [], given)).toEqual([]);
  });

  it.each([
    ['a variable', "const path = 'table.csv'; return readFileSync(path);"],
    [
      'a function that is also given paths of the context',
      "load(context.table.path); return load('table.csv');",
    ],
    ['a parameter of the experiment', 'const { path } = params; return readFileSync(path);'],
  ])('a path that is none of the context through %s', async (_how, body) => {
    const before = "import { readFileSync } from 'node:fs';\nimport { load } from './load.js';";
    const given = {
      'load.ts':
        "import { readFileSync } from 'node:fs';\nexport const load = (path: string) => readFileSync(path);\n",
    };
    expect(await warningsOf(body, before, [], given)).toEqual([
      expect.stringMatching(/reads a file by its path: readFileSync/),
    ]);
  });

  it('and no longer once `code` names files', async () => {
    expect(
      await warningsOf("return readFileSync('sum.ts');", "import { readFileSync } from 'fs';", ['sum.ts']),
    ).toEqual([]);
  });
});

describe('an initialiser that may have side effects, and does not count, is reported', () => {
  it.each([
    [
      'that fills what it is given',
      'const w = [0];\nconst done = fill(w);\nfunction fill(x: any) { x[0] = 1; }',
      'fill(w)',
    ],
    [
      'that is given nothing',
      "import { sum as init } from './sum.js';\nconst ready = await init();",
      'init()',
    ],
  ])('%s', async (_name, before, statement) => {
    const [warning, ...others] = await warningsOf('return 1;', before);
    expect(others).toEqual([]);
    expect(warning).toMatch(/^exp\.ts has `\w+ = .*write it as a statement so that it counts: /);
    expect(warning).toContain(`counts: \`${statement}\``);
  });

  it.each([
    ['a statement', 'const w = [0];\nfill(w);\nfunction fill(x: any) { x[0] = 1; }'],
    [
      'a call of a package or a global',
      "import { f } from 'maths';\nconst w = [0];\nconst a = f(w), b = Object.keys(w), c = f();",
    ],
    [
      'a design that is read by more than the operation',
      'const levels = make();\nfunction make() { return [1]; }\nexport const design = [levels];',
    ],
    ['an exported result', 'export const levels = make();\nfunction make() { return [1]; }'],
    [
      'a call with constants',
      'const n = 3;\nconst squared = square(n);\nfunction square(x: number) { return x * x; }',
    ],
  ])('but not %s', async (_name, before) => {
    expect(await warningsOf('return 1;', before)).toEqual([]);
  });
});

describe('what a computed import may reach', () => {
  const files: Files = {
    'exp.ts':
      "import { operation } from 'metalab';\nexport const op = operation(({ params }: any) => import('./models/' + params.name + '.ts'));\n",
    'models/a.ts': "import { scale } from '../lib/scale.ts';\nexport const f = (x: number) => scale(x);\n",
    'models/alone.ts': 'export const f = 1;\n',
    'lib/scale.ts': 'export const scale = (x: number) => 2 * x;\n',
  };
  const fingerprintOf = async (declared: string, changed: Files = {}) => {
    const { fingerprint, modules } = await closureIn(makeProject(files, changed), { extraFiles: [declared] });
    return { fingerprint, modules: Object.keys(modules).sort() };
  };

  it('counts with what it imports in turn, comments and formatting aside', async () => {
    const before = await fingerprintOf('models/a.ts');
    expect(before.modules).toEqual(['exp.ts', 'lib/scale.ts', 'models/a.ts']);
    const after = await fingerprintOf('models/a.ts', {
      'lib/scale.ts': 'export const scale = (x: number) => 3 * x;\n',
    });
    expect(after.fingerprint).not.toBe(before.fingerprint);
    const commented = await fingerprintOf('models/a.ts', {
      'lib/scale.ts': '// doubles\nexport const scale = (x: number) => 2*x;\n',
    });
    expect(commented.fingerprint).toBe(before.fingerprint);
  });

  it('has the identity that it always had where it imports nothing further', async () => {
    expect((await fingerprintOf('models/alone.ts')).fingerprint).toBe('5ec625e2743dfdf197814f03c8fd2598');
  });
});

describe('a CommonJS module that declares its experiment', () => {
  const text = (axis: string, factor = 2) =>
    `const { experiment, grid, operation: op, seeds } = require('metalab');
const metalab = require('metalab');
const params = grid({ x: ${axis} });
exports.op = op(({ params, capture }) => capture.metric('y', ${factor} * params.x));
exports.sweep = experiment({ name: 'e', version: '1', operation: exports.op, params, seeds: seeds({ base: 1 }) });
exports.other = metalab.experiment({ name: 'f', version: '1', operation: exports.op, params: metalab.grid({ z: ${axis} }), seeds: seeds({ base: 1 }) });
`;
  const fingerprintOf = async (code: string) =>
    (await closureIn(makeProject({ 'exp.cjs': code }), { file: 'exp.cjs' })).fingerprint;

  it('keeps its identity when its params change, and has another when the operation does', async () => {
    const before = await fingerprintOf(text('[1, 2]'));
    expect(await fingerprintOf(text('[1, 2, 3]'))).toBe(before);
    expect(await fingerprintOf(text('[1, 2]', 3))).not.toBe(before);
  });
});
