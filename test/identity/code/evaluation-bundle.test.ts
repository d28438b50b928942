import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { DefinitionError } from '../../../src/definition/errors.js';
import { evaluationBundle } from '../../../src/identity/code/evaluation-bundle.js';
import { RUNTIME, runInNode } from './child.js';
import { type Files, makeProject, PROJECT, removeProjects } from './project.js';

afterAll(removeProjects);

async function bundleIn(folder: string): Promise<string> {
  const out = join(folder, 'out');
  mkdirSync(out);
  const runtime = join(out, 'metalab.mjs');
  writeFileSync(runtime, RUNTIME);
  return evaluationBundle({
    file: join(folder, 'exp.ts'),
    folder: out,
    metalab: pathToFileURL(runtime).href,
  });
}

/** Evaluates the experiment file, and prints what the expression says of its `namespace` and the `modules`. */
async function evaluate(files: Files, expression: string): Promise<{ folder: string; value: unknown }> {
  const folder = makeProject(PROJECT, files);
  const bundle = await bundleIn(folder);
  const program = `const modules = globalThis[Symbol.for('metalab.modules')] = new Map();
try {
  const namespace = await import(${JSON.stringify(pathToFileURL(bundle).href)});
  console.log(JSON.stringify(${expression}));
} catch (error) {
  console.log(JSON.stringify({ stack: error.stack }));
}`;
  return { folder, value: await runInNode(program, { cwd: folder }) };
}

async function problemsOf(files: Files): Promise<DefinitionError> {
  const error: unknown = await bundleIn(makeProject(PROJECT, files)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DefinitionError);
  return error as DefinitionError;
}

describe('an evaluation bundle', () => {
  it('evaluates the whole file, with packages imported from where they are', async () => {
    const { value } = await evaluate({}, '[namespace.default.params, namespace.report()]');
    expect(value).toEqual([{ axes: { n: [1, 2, 3] } }, [1, 20]]);
  });

  it('has every module of the user’s register its exports by its path, linked packages’ too', async () => {
    const { folder, value } = await evaluate(
      {},
      '[...modules].map(([path, exports]) => [path, Object.keys(exports), exports.op === namespace.op])',
    );
    const expected = [
      ['constants.ts', ['LIMIT', 'OTHER'], false],
      ['exp.ts', ['default', 'op', 'report'], true],
      ['linked/shared-models/index.js', ['scale', 'unused'], false],
      ['linked/shared-models/scale.js', ['scale'], false],
      ['plot.ts', ['draw'], false],
      ['stats.ts', ['mean', 'median'], false],
      ['sum.ts', ['sum'], false],
    ].map(([path, ...rest]) => [join(folder, path as string), ...rest]);
    expect((value as [string][]).sort()).toEqual(expected);
  });

  it('takes paths of tsconfig.json, JSON, text, enums, and syntax newer than Node’s', async () => {
    const { value } = await evaluate(
      {
        'tsconfig.json': '{ "compilerOptions": { "paths": { "@lib/*": ["./lib/*"] } } }',
        'lib/deep.ts': 'export enum Mode { Fast = "fast" }\nexport const deep: Mode = Mode.Fast;',
        'data.json': '{ "a": [1] }',
        'prompt.txt': 'Hello',
        'exp.ts': `import { deep } from '@lib/deep';
import data from './data.json' with { type: 'json' };
import prompt from './prompt.txt';
class Resource { log: string[] = []; [Symbol.dispose]() { this.log.push('disposed') } }
const resource = new Resource();
{ using held = resource; held.log.push('used'); }
export const all = [deep, data.a, prompt, resource.log];`,
      },
      'namespace.all',
    );
    expect(value).toEqual(['fast', [1], 'Hello', ['used', 'disposed']]);
  });

  it('lets a package’s import and require conditions mean what they mean to Node', async () => {
    const { value } = await evaluate(
      {
        'node_modules/dual/package.json':
          '{ "name": "dual", "version": "1.0.0", "module": "./bundler.js", "exports": { "import": "./esm.mjs", "require": "./cjs.cjs" } }',
        'node_modules/dual/esm.mjs': 'export const kind = "import";',
        'node_modules/dual/cjs.cjs': 'exports.kind = "require";',
        'node_modules/old/package.json':
          '{ "name": "old", "version": "1.0.0", "main": "main.js", "module": "bundler.mjs" }',
        'node_modules/old/main.js': 'exports.kind = "main";',
        'node_modules/old/bundler.mjs': 'export const kind = "module";',
        'legacy.cjs': 'exports.kind = require("dual").kind;',
        'exp.ts': `import { kind } from 'dual';\nimport { kind as old } from 'old';\nimport legacy from './legacy.cjs';\nexport const all = [kind, old, legacy.kind];`,
      },
      'namespace.all',
    );
    expect(value).toEqual(['import', 'main', 'require']);
  });

  it('lets import.meta mean the user’s own file', async () => {
    const { folder, value } = await evaluate(
      {
        'deep/own.ts': 'export const own = [import.meta.url, import.meta.dirname, import.meta.filename];',
        'exp.ts': "export * from './deep/own.js';",
      },
      'namespace.own',
    );
    const file = join(folder, 'deep/own.ts');
    expect(value).toEqual([pathToFileURL(file).href, join(folder, 'deep'), file]);
  });

  it('has stacks that point to the user’s own line', async () => {
    const { folder, value } = await evaluate(
      { 'exp.ts': 'type A = 1;\n\nconst a: A = 1;\nthrow new Error(String(a));\n' },
      '1',
    );
    expect((value as { stack: string }).stack).toContain(`${folder}/exp.ts:4:7`);
  });
});

describe('source that can’t be bundled', () => {
  it('is reported with file, line, column, and the line itself', async () => {
    const { problems, code } = await problemsOf({ 'sum.ts': 'export const a = 1;\nexport const = 3;\n' });
    expect(code).toBe('METALAB_DOES_NOT_COMPILE');
    expect(problems).toHaveLength(1);
    expect(problems[0]?.where).toMatch(/sum\.ts:2:14$/);
    expect(problems[0]?.what).toMatch(
      /^does not compile: Unexpected token\n[\s\S]*2: export const = 3;\n +\^/,
    );
  });

  it('is reported with every import that can not be resolved, and what to install', async () => {
    const { problems } = await problemsOf({
      'stats.ts':
        "import { a } from './nowhere.js';\nimport b from '@scope/missing/sub';\nexport const mean = () => [a, b];",
      'plot.ts': "export const x = 1;\n\n  export { draw } from 'no-such-package';",
    });
    expect(problems.map(({ where, next }) => [where?.replace(/.*\//, ''), next]).sort()).toEqual([
      ['plot.ts:3:24', 'npm install no-such-package'],
      ['stats.ts:1:19', 'check the path'],
      ['stats.ts:2:15', 'npm install @scope/missing'],
    ]);
    expect(problems[0]?.what).toMatch(/^can't find '.*'\n\d: .*\n +\^$/);
  });

  it('may import types of files that are not there, and optional packages when needed', async () => {
    const { value } = await evaluate(
      {
        'exp.ts':
          "import type { A } from './types.js';\nexport const found = await import('optional').catch(() => 'none' as unknown as A);",
      },
      'namespace.found',
    );
    expect(value).toBe('none');
  });

  it('is reported where a name is not exported', async () => {
    const { problems } = await problemsOf({ 'plot.ts': 'export const other = 1;' });
    expect(problems[0]?.what).toMatch(/^'draw' is not exported by .*plot\.ts/);
    expect(problems[0]?.where).toMatch(/exp\.ts:6:10$/);
  });
});
