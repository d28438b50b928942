import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { experimentText } from '../support/experiment-text.js';
import { metalab } from '../support/metalab.js';
import { projectWith } from '../support/project.js';

type Message = string | RegExp;

/** Submits the file, and expects to be refused before anything is made: exit code 2, and a message of all these parts. */
async function expectRefused(
  text: string,
  parts: readonly Message[],
  args: readonly string[] = [],
): Promise<string> {
  const project = await projectWith({ 'experiment.ts': text });
  const { code, stdout, stderr } = await metalab(
    ['submit', 'experiment.ts', '--store', project.store, ...args],
    {
      cwd: project.folder,
    },
  );
  for (const part of parts) expect(stderr).toMatch(part);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(stdout).toBe('');
  expect(code).toBe(2);
  expect(existsSync(project.store)).toBe(false);
  return stderr;
}

const refused = (properties: string, parts: readonly Message[], before = '') =>
  expectRefused(experimentText({ properties, before }), parts);

describe('a file is refused', () => {
  test('that does not compile, with line, column and the source there', () =>
    expectRefused('const fine = 1;\nexport const broken = ;\n', [
      /experiment\.ts:2:23: does not compile/,
      '2: export const broken = ;',
      'correct it and try again',
    ]));

  test('that is not there, or is a folder', async () => {
    const project = await projectWith({ 'folder/experiment.ts': '' });
    const missing = await metalab(['submit', 'expriment.ts'], { cwd: project.folder });
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain('expriment.ts: there is no such file');
    expect(missing.stderr).toContain(`looked for ${project.path('expriment.ts')}`);
    const folder = await metalab(['submit', 'folder'], { cwd: project.folder });
    expect(folder).toMatchObject({ code: 2, stdout: '' });
    expect(folder.stderr).toMatch(/folder: is a folder\n {2}expected: the path of an experiment file/);
  });

  test("with imports that can't be found, each reported with its line", () =>
    expectRefused("import { a } from './a.js';\nimport b from 'no-such-package';\nexport default [a, b];\n", [
      '2 problems',
      /experiment\.ts:1:19: can't find '\.\/a\.js'/,
      /experiment\.ts:2:15: can't find 'no-such-package'/,
      'npm install no-such-package',
    ]));

  test('that imports a name that metalab does not export, listing the names that it does', () =>
    expectRefused("import { experimnt } from 'metalab';\nexport default experimnt({});\n", [
      /experiment\.ts: it imports 'experimnt' from 'metalab'/,
      /expected: one of .*experiment, file/,
    ]));

  test('that throws while it is evaluated, with file and line', () =>
    expectRefused("function load() {\n  throw new RangeError('no data');\n}\nexport default load();\n", [
      /evaluating it threw RangeError: no data \(at load \(.*experiment\.ts:2:9\)\)/,
      'belongs inside the operation',
    ]));

  test('that ends the process, or never comes to an end, while it is evaluated', async () => {
    await expectRefused('process.exit(0);', ['the file called process.exit(0) while it was evaluated']);
    await expectRefused('await new Promise(() => {});', [
      'waits for a promise that never settles',
      'top-level await',
    ]);
  });

  test('that exports no experiment', () =>
    expectRefused("import { experiment } from 'metalab';\nconst hidden = experiment({});\n", [
      /experiment\.ts: exports no experiment/,
      'expected: export default experiment({',
      'next: export it',
    ]));

  test('that exports several experiments of which --name matches none', async () => {
    const text = experimentText({
      after: "export const wider = experiment({ ...base, name: 'wide', params: grid({ x: [1, 2] }) });",
    });
    const choices = 'expected: one of e:1 (export default), wide:1 (export wider)';
    await expectRefused(text, ['exports 2 experiments', choices, 'choose with --name']);
    await expectRefused(text, ['exports no experiments named narrow', choices], ['--name', 'narrow']);
  });

  test('whose operation is not exported', () =>
    expectRefused(
      experimentText().replace('export const work', 'const work').replace('export const base', 'const base'),
      ['experiment.ts: operation: the operation is not exported by any module', 'write `export` before it'],
    ));
});

describe('an experiment is refused', () => {
  test('whose name or version has illegal characters', () =>
    refused("name: 'pi/mc', version: '1:0'", [
      '2 problems',
      'name: is "pi/mc"',
      'version: is "1:0"',
      'letters, digits, `_`, `-` and `.`, beginning with a letter or digit',
    ]));

  test('without a required property', () =>
    expectRefused("import { experiment } from 'metalab';\nexport default experiment({});\n", [
      '5 problems',
      ...['name', 'version', 'operation', 'seeds', 'params'].map((field) => `${field}: is missing`),
    ]));

  test('with an unknown property, suggesting the nearest one', () =>
    refused('retires: 3', ['retires: is not a property of an experiment', 'did you mean retries?']));

  test('with impossible limits, tags or environment variables', () =>
    refused("retries: -1, timeout: '5 parsecs', memory: '-1G', tags: 'x', env: ['METALAB_TEST_UNSET']", [
      '5 problems',
      /retries: is -1\n.*expected: a whole number from 0/,
      /timeout: is "5 parsecs"\n.*expected: a duration such as '90s'/,
      /memory: is "-1G"\n.*expected: an amount such as '512M'/,
      /tags: is "x"\n.*expected: an array of texts/,
      'export METALAB_TEST_UNSET=… and submit again',
    ]));

  test('with seeds, context and metadata of wrong types', () =>
    refused('seeds: { base: -1, replicates: 1.5 }, context: [1], metadata: 3', [
      '4 problems',
      'seeds.base: is -1',
      'seeds.replicates: is 1.5',
      'context: is [1]',
      'metadata: is 3',
    ]));

  test('with mistyped options of seeds and of a random search: both at once, with the rest', () =>
    refused(
      'retires: 3, seeds: seeds({ base: 42, replicate: 20 }), params: random({ space: { x: uniform(0, 1) }, trails: 3, seed: 1 })',
      [
        '4 problems',
        /seeds\.replicate: is not an option of seeds[\s\S]*did you mean replicates\?/,
        /random\.trails: is not an option of random[\s\S]*did you mean trials\?/,
        'random: trials is undefined',
        /retires: is not a property[\s\S]*did you mean retries\?/,
      ],
    ));

  test('with all mistakes of the file reported together', () =>
    refused(
      "retries: -1, context: { table: file('missing.csv'), when: new Date(0) }, params: grid({ x: [NaN] })",
      [
        '4 problems',
        'retries: is -1',
        "context.table ('missing.csv')",
        'context.when: is a Date',
        'params.x[0]: is NaN',
      ],
    ));
});

describe('params are refused', () => {
  const checked = `export const checked = operation({ params: z.object({ x: z.number().int().positive() }), run() {} });`;

  test('that fail their schema: all of them, each naming its case', async () => {
    const message = await refused(
      'operation: checked, params: grid({ x: [1, -2, 2.5] })',
      [
        '2 problems',
        /params\[1\]\.x: Too small.*\(case \{"x":-2\}\)/,
        /params\[2\]\.x: .*expected int.*\(case \{"x":2\.5\}\)/,
        "expected: what the operation's schema says",
      ],
      checked,
    );
    expect(message).not.toContain('params[0]');
  });

  test('that the schema does not have, instead of being dropped', () =>
    refused(
      'operation: checked, params: grid({ x: [1], y: [2] })',
      ["no param 'y'", 'expected: one of x'],
      checked,
    ));

  test('whose name is mistyped: once for all cases of the grid, with the name that the schema has', async () => {
    const message = await refused(
      'operation: smooth, params: grid({ lamda: [1, 2, 3], x: [1, 2] })',
      [
        '2 problems',
        /params\[0\]\.lamda: the operation's schema has no param 'lamda'[\s\S]*did you mean lambda\?/,
        /params\[0\]\.lambda: the operation's schema needs the param 'lambda'/,
      ],
      'export const smooth = operation({ params: z.object({ lambda: z.number(), x: z.number() }), run() {} });',
    );
    expect(message).not.toContain('params[1]');
  });

  test('in thousands of cases: the first twenty are reported, and a count', async () => {
    const params = 'grid({ x: Array.from({ length: 5000 }, (_, i) => -1 - i) })';
    const message = await refused(
      `operation: checked, params: ${params}`,
      ['and 4980 more like these'],
      checked,
    );
    expect(message.split('\n').length).toBeLessThan(60);
  });

  test('that canonical JSON refuses: every value, with its path and what to write instead', () =>
    refused(
      'params: grid({ nan: [NaN], when: [new Date(0)], pairs: [new Map()], big: [10n], call: [() => 1], gone: [undefined], floats: [new Float64Array(2)] })',
      [
        '7 problems',
        /params\.nan\[0\]: is NaN/,
        /params\.when\[0\]: is a Date[\s\S]*?next: write date\.toISOString\(\)/,
        /params\.pairs\[0\]: is a Map[\s\S]*?next: write Object\.fromEntries\(map\)/,
        'params.big[0]: is a BigInt (10n)',
        'params.call[0]: is a function',
        'params.gone[0]: is undefined',
        /params\.floats\[0\]: is a Float64Array[\s\S]*?next: write Array\.from\(values\)/,
      ],
    ));

  test('that canonical JSON refuses in cases written one by one, too', () =>
    refused(
      'params: manual([{ x: 1 }, { x: Infinity }, loop, 5])',
      ['3 problems', 'params[1].x: is Infinity', 'params[2].self: contains itself', 'params[3]: is 5'],
      'const loop = {}; loop.self = loop;',
    ));

  test('without a case: an empty grid, list or search', async () => {
    await refused('params: grid({ x: [1], y: [] })', [
      'params.y: has no values',
      'give it a value, or take the axis out',
    ]);
    await refused('params: grid({})', ['params: the grid has no cases', 'expected: at least one case']);
    await refused('params: manual([])', ['params: the list of cases has no cases']);
    await refused('params: random({ space: { x: uniform(0, 1) }, trials: 0, seed: 1 })', [
      'the random search has no cases',
    ]);
  });

  test('with a cell twice', async () => {
    await refused("params: grid({ x: [1, 2, 1], y: ['a', 'a'] })", [
      '2 problems',
      'params.x: has 1 twice, at 0 and 2',
      'params.y: has "a" twice, at 0 and 1',
      'raise seeds.replicates',
    ]);
    await refused('params: manual([{ a: 1, b: 2 }, { a: 3 }, { b: 2, a: 1 }])', [
      'params[2]: is the same case as params[0]: {"a":1,"b":2}',
    ]);
  });

  test('of more runs than can be planned', () =>
    refused(
      'params: grid({ x: many, y: many }), seeds: seeds({ base: 1, replicates: 100 })',
      ['params: 10,000,000,000 runs', 'expected: at most 4,294,967,295'],
      'const many = Array.from({ length: 10_000 }, (_, i) => i);',
    ));

  test('whose source throws when it is created or iterated', async () => {
    await refused('params: grid({ x: 5 })', [
      "grid axis 'x': is number",
      'next: write x: [5] for a single value',
    ]);
    await refused(
      'params: cases()',
      [/params: iterating over its cases threw Error: ran dry \(at .*experiment\.ts:2:/],
      "function* cases() { yield { x: 1 }; throw new Error('ran dry'); }",
    );
  });

  test("that resolve() can't complete", () =>
    refused(
      'resolve: ({ params }) => { if (params.x === 2) throw new Error("no such table"); return params.x === 3 ? 5 : {}; }',
      ['2 problems', 'params[1]: Error: no such table', 'resolve(params[2]): returned 5'],
    ));
});

test('a context is refused with every file and folder that is missing or can not be read', async () => {
  const context = `context: {
    table: file('missing.csv'), deep: { again: file('also/missing.csv') }, folder: dir('nowhere'),
    none: dir('.', { pattern: '*.parquet' }), itself: file('.'), device: file('/dev/null'),
  }`;
  await refused(context, [
    '6 problems',
    /context\.table \('missing\.csv'\): .*missing\.csv does not exist\n.*expected: a file that can be read\n.*next: check the path/,
    "context.deep.again ('also/missing.csv')",
    "context.folder ('nowhere')",
    "holds no file that matches '*.parquet'",
    /context\.itself \('\.'\): .* is a folder[\s\S]*?use dir\(…\) instead of file\(…\)/,
    'is neither a file nor a folder',
  ]);
});
