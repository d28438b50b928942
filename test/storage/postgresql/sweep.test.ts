import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { experimentText } from '../../support/experiment-text.js';
import { metalab, resultsJson, startMetalab } from '../../support/metalab.js';
import { projectWith } from '../../support/project.js';
import { recordsIn } from '../../support/records.js';
import { until } from '../../support/until.js';
import { usePostgres } from './use-postgres.js';

const postgres = usePostgres();

const RUNS = 100_000;
/** These runs wait until they may end, so that the sweep is not over before PostgreSQL is killed. */
const HELD = [0.1 * RUNS, 0.5 * RUNS];
const SWEEP = experimentText({
  before: `import { existsSync, writeFileSync } from 'node:fs';
    import { derive } from 'metalab';
    export const double = derive((run) => ({ twice: 2 * run.metrics.y }));`,
  body: `if (${JSON.stringify(HELD)}.includes(params.x)) {
      writeFileSync('begun-' + params.x, '');
      while (!existsSync('end-' + params.x)) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    capture.metric('y', 2 * params.x);`,
  properties: `params: grid({ x: Array.from({ length: ${RUNS} }, (_, x) => x) }), derived: { double }`,
});

/** The texts of all files in a folder. */
function* textsIn(folder: string): Generator<{ path: string; text: string }> {
  for (const name of readdirSync(folder, { recursive: true }).map(String)) {
    const path = join(folder, name);
    if (statSync(path).isFile()) yield { path, text: readFileSync(path, 'latin1') };
  }
}

test('a sweep with PostgreSQL killed twice in the middle does every run once, and its index is complete afterwards', async () => {
  const project = await projectWith({ 'experiment.ts': SWEEP });
  const database = await postgres.database();
  const uri = `${database}?file_root=${encodeURIComponent(project.store)}`;
  const sweep = startMetalab(['submit', 'experiment.ts', '--store', uri, '--json'], { cwd: project.folder });
  for (const x of HELD) {
    await until(() => existsSync(project.path(`begun-${x}`)));
    await postgres.server.kill();
    await project.write({ [`end-${x}`]: '' });
    const status = JSON.parse((await metalab(['status', 'e', '--store', uri, '--json'])).stdout);
    expect(status.index_error).toContain("PostgreSQL can't be reached");
    await postgres.server.start();
  }
  const { code, stdout, stderr } = await sweep.finished;
  expect(code, stderr).toBe(0);
  expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toMatchObject({ success: RUNS, executed: RUNS });
  expect(recordsIn(project.store, 'e:1')).toHaveLength(RUNS);
  await until(async () => {
    const { stdout: text } = await metalab(['status', 'e', '--store', uri, '--json']);
    return JSON.parse(text).index_lag === 0;
  });
  const outcome = () => postgres.query('SELECT state, success::int FROM submissions', database);
  await until(async () => (await outcome())[0]?.state === 'completed');
  expect(await outcome()).toEqual([{ state: 'completed', success: RUNS }]);
  expect(await postgres.query('SELECT sum(y) AS y, sum(twice) AS twice FROM "e:1"', database)).toEqual([
    { y: (RUNS - 1) * RUNS, twice: (RUNS - 1) * 2 * RUNS },
  ]);
  // PostgreSQL alone gives the same answer. One question is enough here: each copies all records, which takes seconds.
  const groups = ['--group-by', 'status', '--stats', 'n,mean,min,max'];
  expect(await resultsJson('e', database, groups)).toEqual(await resultsJson('e', project.store, groups));
  const [list, listed] = await Promise.all(
    [database, project.store].map(
      async (store) => (await metalab(['list', '--store', store, '--json'])).stdout,
    ),
  );
  expect(list).toBe(listed);
  const run = recordsIn(project.store, 'e:1')[100]!.run_id;
  const [show, shown] = await Promise.all(
    [database, project.store].map(
      async (store) => (await metalab(['show', run, '--store', store, '--json'])).stdout,
    ),
  );
  expect(show).toBe(shown);
  const refused = await metalab(['artifacts', run, '--store', database]);
  expect(refused).toMatchObject({ code: 2 });
  expect(refused.stderr).toContain('opening artifacts');
  const submit = await metalab(['submit', 'experiment.ts', '--store', database], { cwd: project.folder });
  expect(submit.stderr).toContain('working directory');
  // The password is in no file of the store.
  for (const { path, text } of textsIn(project.folder))
    expect(text.includes(process.env.PGPASSWORD!.slice(0, 8)), path).toBe(false);
}, 600_000);
