import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { useOwnEngine } from '../support/engine.js';
import { engineStatus, temporalClient } from '../support/engine-status.js';
import { metalab } from '../support/metalab.js';
import type { Project } from '../support/project.js';
import { projectWithKv } from './fixtures/kv-project.js';
import { processesWith, serviceIn, services, tell } from './services.js';

const env = useOwnEngine();
const CONFIG = '[services.mirror]\n[services.kv]\nword = "hello"\n';
/** Where the services' data is, which is in their command lines. */
const DATA = join(env.METALAB_HOME, 'services');

async function projectWith(config: string): Promise<Project> {
  const project = await projectWithKv(config);
  onTestFinished(async () => {
    await metalab(['services', 'down'], { cwd: project.folder, env });
    expect(processesWith(DATA)).toEqual([]);
  });
  return project;
}

test('services start in the order in which they need each other, are reused, and keep data, port and log', async () => {
  const project = await projectWith(CONFIG);
  const here = { cwd: project.folder, env };
  const first = await metalab(['services', 'up'], here);
  expect(first).toMatchObject({ code: 0 });
  expect(first.stderr).toMatch(/starting kv …\n(.*\n)*starting mirror …/);
  const status = await services(['status'], { cwd: project.path('sub/folder'), env });
  expect(status).toMatchObject({ code: 0, json: { problem: null, unattended: null } });
  const kv = serviceIn(status.json, 'kv');
  expect(first.stdout).toContain(`kv       running  127.0.0.1:${kv.port}`);
  expect(await tell(kv.port, 'one,')).toBe('hello one,');
  const mirrored = await fetch(`http://127.0.0.1:${serviceIn(status.json, 'mirror').port}/`);
  expect(await mirrored.text()).toBe(`kv://127.0.0.1:${kv.port}`);

  const again = await services(['up'], here);
  expect(again).toMatchObject({ code: 0 });
  expect(again.json!.services.map(({ process_id }) => process_id)).toEqual(
    ['kv', 'mirror'].map((name) => serviceIn(status.json, name).process_id),
  );

  const down = await metalab(['services', 'down'], here);
  expect(down).toMatchObject({ code: 0, stdout: 'all services are down; their data is kept\n' });
  expect(down.stderr).toMatch(/stopping mirror …\nstopping kv …/);
  expect(processesWith(DATA)).toEqual([]);
  expect(await services(['status'], here)).toMatchObject({
    code: 1,
    json: { services: [{ status: 'stopped' }, { status: 'stopped' }] },
  });
  const logs = await metalab(['services', 'logs', 'kv', '--tail', '2'], here);
  expect(logs.stdout).toMatch(/^begins, pid \d+\nlistens on \d+\n$/);

  const next = await services(['up'], here);
  expect(serviceIn(next.json, 'kv')).toMatchObject({ port: kv.port, restarts: 0 });
  expect(await tell(kv.port, 'two,')).toBe('hello one,two,');
});

test('what is not wanted any more is ended', async () => {
  const project = await projectWith(CONFIG);
  const here = { cwd: project.folder, env };
  await services(['up'], here);
  await project.write({ '.metalab.toml': '[services.kv]\nword = "hello"\n' });
  const after = await services(['up'], here);
  expect(after.json!.services.map(({ name }) => name)).toEqual(['kv']);
  expect(processesWith(DATA, join('data', 'mirror'))).toEqual([]);
});

test('restart ends a service and starts it again at its place, and only that one', async () => {
  const project = await projectWith(CONFIG);
  const here = { cwd: project.folder, env };
  const before = await services(['up'], here);
  const after = await services(['restart', 'kv'], here);
  expect(after.code).toBe(0);
  const [kv, mirror] = ['kv', 'mirror'].map((name) =>
    [before, after].map(({ json }) => serviceIn(json, name)),
  );
  expect(kv![1]!.port).toBe(kv![0]!.port);
  expect(kv![1]!.process_id).not.toEqual(kv![0]!.process_id);
  expect(mirror![1]!.process_id).toEqual(mirror![0]!.process_id);
  const unknown = await metalab(['services', 'restart', 'kw'], here);
  expect(unknown.stderr).toContain("restart was refused: there is no service 'kw': there are kv, mirror");
});

test('an up that fails halfway ends what it started, and shows the log that explains it; no history has that', async () => {
  const project = await projectWith('[services.kv]\n');
  const here = { cwd: project.folder, env };
  const { json } = await services(['up'], here);
  const folder = join(serviceIn(json, 'kv').log, '..');
  await metalab(['services', 'down'], here);
  await project.write({ '.metalab.toml': CONFIG });
  await metalab(['services', 'up'], here);
  await metalab(['services', 'down'], here);
  writeFileSync(join(folder, 'broken'), '');
  const failed = await metalab(['services', 'up'], here);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain('error: kv ended while starting\n  the end of its log:\n');
  expect(failed.stderr).toContain('Error: the table is broken: hunter2');
  expect(processesWith(DATA)).toEqual([]);
  rmSync(join(folder, 'broken'));

  const client = await temporalClient(env);
  const histories: string[] = [];
  for await (const { workflowId, runId } of client.workflow.list())
    histories.push(JSON.stringify(await client.workflow.getHandle(workflowId, runId).fetchHistory()));
  expect(histories.length).toBeGreaterThan(2);
  // Payloads are bytes.
  const payloads = (text: string) => Buffer.from(text).toJSON().data.join(',');
  for (const history of histories) {
    expect(history).not.toContain('hunter2');
    expect(history).not.toContain(payloads('hunter2'));
  }
}, 360_000);

test('what can not be started in any order is refused by name before anything starts', async () => {
  const project = await projectWith('[services.mirror]\n[services.atlas]\n');
  const here = { cwd: project.folder, env };
  const missing = await metalab(['services', 'up'], here);
  expect(missing.stderr).toContain(`2 problems
- services.mirror: needs a kv, which nothing provides`);
  expect(missing.stderr).toContain('- services.atlas: needs a store, which nothing provides');
  await project.write({ '.metalab.toml': '[services.loop]\n[services.kv]\n' });
  const cycle = await metalab(['services', 'up'], here);
  expect(cycle.stderr).toContain('these wait for each other: loop → loop');
  expect(processesWith(DATA)).toEqual([]);
});

test('a port that is in use is named with who has it', async () => {
  const { server } = await engineStatus(env);
  const port = Number(server!.address.split(':')[1]);
  const project = await projectWith(`[services.kv]\nport = ${port}\n`);
  const { code, stderr } = await metalab(['services', 'up'], { cwd: project.folder, env });
  expect(code).toBe(1);
  expect(stderr).toContain(`services.kv.port: port ${port} is in use`);
});

test('two up at once end with one set of services', async () => {
  const project = await projectWith(CONFIG);
  const both = await Promise.all([0, 1].map(() => services(['up'], { cwd: project.folder, env })));
  const [one, other] = both.map(({ json }) => json!.services.map(({ process_id }) => process_id));
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(one).toEqual(other);
  expect(processesWith(DATA, join('kv', 'server.mjs'))).toHaveLength(1);
});

test('only this user can read what is kept of services', async () => {
  const project = await projectWith('[services.kv]\n');
  const { json } = await services(['up'], { cwd: project.folder, env });
  const folder = join(DATA, json!.project);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    expect({ path, others: statSync(path).mode & 0o077 }).toEqual({ path, others: 0 });
  }
  const argv = processesWith('').map(({ args }) => args);
  expect(argv.filter((args) => args.includes('hunter2'))).toEqual([]);
  expect(readFileSync(join(folder, 'local', 'bundle.json'), 'utf8')).not.toContain('hunter2');
});
