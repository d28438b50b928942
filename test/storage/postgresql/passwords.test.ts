import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useOwnWorkers } from '../../support/engine.js';
import { workflowOf } from '../../support/engine-status.js';
import { experimentText } from '../../support/experiment-text.js';
import { metalab, startMetalab } from '../../support/metalab.js';
import { projectWith } from '../../support/project.js';
import { until } from '../../support/until.js';
import { usePostgres } from './use-postgres.js';

const postgres = usePostgres();
const engine = await useOwnWorkers();

const SLOW = "while (!fs.existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 50));";
const before = "import fs from 'node:fs';";

/** What every process's command line has, and every file below a folder. */
function* textsSeen(folder: string): Generator<{ readonly place: string; readonly text: string }> {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      yield { place: `argv of ${pid}`, text: readFileSync(`/proc/${pid}/cmdline`, 'utf8') };
    } catch {
      // It has ended.
    }
  for (const name of readdirSync(folder, { recursive: true }).map(String)) {
    const place = join(folder, name);
    if (statSync(place, { throwIfNoEntry: false })?.isFile())
      yield { place, text: readFileSync(place, 'latin1') };
  }
}

/** All texts and bytes in a history. */
function* textsOf(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value instanceof Uint8Array) yield Buffer.from(value).toString('utf8');
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) yield* textsOf(item);
}

test('a password of a pgpass file is used by command and worker, and is in no store, argv, log or history', {
  timeout: 240_000,
}, async () => {
  const project = await projectWith({ 'experiment.ts': experimentText({ before, body: SLOW }) });
  const database = await postgres.database();
  const { port } = postgres.server;
  const password = process.env.PGPASSWORD!;
  const passfile = project.path('pgpass');
  writeFileSync(
    passfile,
    `127.0.0.1:${port}:*:*:${password.replaceAll('\\', '\\\\').replaceAll(':', '\\:')}\n`,
    {
      mode: 0o600,
    },
  );
  const env = { ...engine, PGPASSWORD: undefined, PGPASSFILE: passfile };
  const uri = `${database}?file_root=${encodeURIComponent(project.store)}`;
  const submit = startMetalab(['submit', 'experiment.ts', '--store', uri, '--json'], {
    cwd: project.folder,
    env,
  });
  const status = async () =>
    JSON.parse((await metalab(['status', 'e', '--store', uri, '--json'], { env })).stdout) as {
      running: number;
    };
  await until(async () => (await status()).running > 0);
  const secret = password.slice(0, 8);
  const found = [...textsSeen(project.store), ...textsSeen(join(engine.METALAB_HOME, 'logs'))].filter(
    ({ text }) => text.includes(secret),
  );
  expect(found.map(({ place }) => place)).toEqual([]);
  writeFileSync(project.path('go'), '');
  const { code, stderr } = await submit.finished;
  expect(code, stderr).toBe(0);
  await until(async () => {
    const rows = await postgres.query("SELECT FROM runs WHERE status = 'success'", database);
    return rows.length === 3;
  });
  const history = await (await workflowOf(project.store, 'e:1', engine)).fetchHistory();
  const texts = [...textsOf(history)].join('\n');
  expect(texts).toContain('file_root=');
  expect(texts).not.toContain(secret);
});

test('a password of the local configuration is used, and env show masks it', async () => {
  const project = await projectWith({ 'experiment.ts': experimentText() });
  const database = await postgres.database();
  const uri = `${database}?file_root=${encodeURIComponent(project.store)}`;
  const password = process.env.PGPASSWORD!;
  await project.write({
    '.metalab.toml': `[environments.pg]\ntype = "local"\nstore = ${JSON.stringify(uri)}\n`,
    '.metalab.local.toml': `[postgresql]\npassword = ${JSON.stringify(password)}\n`,
  });
  const at = { cwd: project.folder, env: { ...engine, PGPASSWORD: undefined } };
  const submit = await metalab(['submit', 'experiment.ts', '--env', 'pg'], at);
  expect(submit.code, submit.stderr).toBe(0);
  const index = await metalab(['store', 'index', '--env', 'pg'], at);
  expect(index.code, index.stderr).toBe(0);
  expect(await postgres.query('SELECT FROM runs', database)).toHaveLength(3);
  for (const more of [[], ['--json']]) {
    const { stdout, stderr } = await metalab(['env', 'show', 'pg', ...more], at);
    expect(stdout).toContain('file_root');
    expect(stdout + stderr).not.toContain(password.slice(0, 8));
  }
});
