import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type CodeClosure, codeClosure } from '../../../src/identity/code/closure.js';

/** Contents by path; `null` deletes, `{ link }` makes a symbolic link. */
export interface Files {
  readonly [path: string]: string | null | { readonly link: string };
}

/** A scientist's project: an experiment with helpers, installed packages in two versions' reach, and a linked package. */
export const PROJECT: Files = {
  'package.json': '{ "name": "project", "type": "module" }',
  'exp.ts': `import { experiment, grid, operation, seeds, z } from 'metalab';
import { chart } from 'charts';
import { normalise } from 'maths';
import { scale } from 'shared-models';
import { LIMIT, OTHER } from './constants.js';
import { draw } from './plot.js';
import { mean } from './stats.js';

const bounds = { low: 0, high: LIMIT };

/** Estimates it. */
export const op = operation({
  params: z.object({ n: z.number() }),
  run({ params, capture }) {
    const values = [params.n, bounds.low, bounds.high];
    capture.metric('mean', scale(normalise(mean(values))));
  },
});

export const report = () => draw(chart, OTHER);

export default experiment({
  name: 'e',
  version: '1',
  operation: op,
  params: grid({ n: [1, 2, 3] }),
  seeds: seeds({ base: 42, replicates: 2 }),
});
`,
  'stats.ts': `import { sum } from './sum.js';
export const mean = (values: number[]): number => sum(values) / values.length;
export const median = (values: number[]): number => [...values].sort()[values.length >> 1]!;
`,
  'sum.ts':
    'export function sum(values: number[]): number {\n  return values.reduce((total, value) => total + value, 0);\n}\n',
  'constants.ts': 'export const LIMIT = 10;\nexport const OTHER = 20;\n',
  'plot.ts': `export function draw(chart: unknown, size: number) {\n  return [chart, size];\n}\n`,
  'node_modules/maths/package.json':
    '{ "name": "maths", "version": "1.0.0", "type": "module", "main": "index.js" }',
  'node_modules/maths/index.js': `export const normalise = (x) => x / 2; export const other = 1;`,
  'node_modules/charts/package.json': '{ "name": "charts", "version": "3.0.0", "main": "index.js" }',
  'node_modules/charts/index.js': `exports.chart = 1;`,
  'node_modules/shared-models': { link: '../linked/shared-models' },
  'linked/shared-models/package.json':
    '{ "name": "shared-models", "version": "0.0.0", "type": "module", "exports": "./index.js" }',
  'linked/shared-models/index.js': `export { scale } from './scale.js';\nexport const unused = 1;\n`,
  'linked/shared-models/scale.js': `export const scale = (x) => x * 3;\n`,
};

const folders: string[] = [];

/** Removes every folder that {@link makeProject} made. */
export function removeProjects(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** @returns the real path of a new folder that holds the files */
export function makeProject(...layers: readonly Files[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "metalab it's a project ")));
  folders.push(folder);
  for (const [path, content] of Object.entries(Object.assign({}, ...layers) as Files)) {
    if (content === null) continue;
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    if (typeof content === 'string') writeFileSync(file, content);
    else symlinkSync(content.link, file);
  }
  return folder;
}

export interface Where {
  readonly file?: string;
  readonly exportName?: string;
  readonly base?: string;
  readonly extraFiles?: readonly string[];
}

/** The closure of a project's operation: by default of `op` in `exp.ts`. */
export function closureIn(folder: string, where: Where = {}): Promise<CodeClosure> {
  const { file = 'exp.ts', exportName = 'op', base = '.', extraFiles = [] } = where;
  return codeClosure({ file: join(folder, file), exportName, base: join(folder, base), extraFiles });
}
