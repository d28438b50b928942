// As record.mjs, of the workflows of services:
//   node test/workflows/histories/record-services.mjs 2027-01-services
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { KV_PACKAGE } from '../../services/fixtures/kv-package.mjs';
import { writeHistory } from './write-history.mjs';

const [shape] = process.argv.slice(2);
if (!shape || !/^[\w.-]+$/.test(shape))
  throw new Error('usage: record-services.mjs SHAPE: a name for the shape');

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '../../..');
const home = mkdtempSync(join(tmpdir(), 'metalab-record-'));
const project = join(home, 'project');
// As few events as possible before it continues as new.
const env = { ...process.env, METALAB_HOME: join(home, 'engine'), METALAB_HISTORY_EVENTS: '50' };
const node = (...args) =>
  execFileSync(process.execPath, [join(ROOT, 'bin/metalab.js'), ...args], {
    cwd: project,
    env,
    encoding: 'utf8',
  });
const services = (...args) => node('services', ...args);
const statusOf = (name) => {
  const { stdout } = spawnSync(
    process.execPath,
    [join(ROOT, 'bin/metalab.js'), 'services', 'status', '--json'],
    {
      cwd: project,
      env,
      encoding: 'utf8',
    },
  );
  return JSON.parse(stdout).services.find((service) => service.name === name);
};
const until = async (isSo) => {
  while (!isSo()) await sleep(200);
};

try {
  for (const [name, text] of Object.entries({
    ...KV_PACKAGE,
    '.metalab.toml': '[services.mirror]\n[services.kv]\n',
  })) {
    mkdirSync(dirname(join(project, name)), { recursive: true });
    writeFileSync(join(project, name), text);
  }
  symlinkSync(ROOT, join(project, 'node_modules/metalab'));
  services('up');
  services('up');
  for (let restarts = 1; restarts <= 3; restarts++) {
    process.kill(statusOf('kv').process_id.pid, 'SIGKILL');
    await until(() => statusOf('kv').status === 'running');
    services('restart', 'mirror');
  }
  const { project: key, environment } = JSON.parse(services('up', '--json'));
  const broken = join(env.METALAB_HOME, 'services', key, environment, 'data/kv/broken');
  writeFileSync(broken, '');
  process.kill(statusOf('kv').process_id.pid, 'SIGKILL');
  await until(() =>
    spawnSync(process.execPath, [join(ROOT, 'bin/metalab.js'), 'services', 'status'], {
      cwd: project,
      env,
      encoding: 'utf8',
    }).stderr.includes('5 times'),
  );
  services('down');
  spawnSync(process.execPath, [join(ROOT, 'bin/metalab.js'), 'services', 'up'], { cwd: project, env });
  rmSync(broken);
  services('up');
  services('down');

  const { server } = JSON.parse(node('engine', 'status', '--json'));
  const connection = await Connection.connect({ address: server.address });
  const client = new Client({ connection });
  const runs = [];
  for await (const run of client.workflow.list({ query: "WorkflowType = 'services'" })) runs.push(run);
  runs.sort((a, b) => a.startTime - b.startTime);
  mkdirSync(join(HERE, shape), { recursive: true });
  for (const [index, { workflowId, runId }] of runs.entries()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    writeHistory(join(HERE, shape, `services-${index + 1}.binpb.gz`), history, home);
  }
  await connection.close();
} finally {
  spawnSync(process.execPath, [join(ROOT, 'bin/metalab.js'), 'services', 'down'], { cwd: project, env });
  node('engine', 'stop');
  rmSync(home, { recursive: true, force: true });
}
