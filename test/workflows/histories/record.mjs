// Records the histories that `replay.test.ts` replays: real sweeps, through the built metalab and an engine of its own.
// Run it whenever a change of src/workflows gives histories another shape, under a name for the new one:
//   node test/workflows/histories/record.mjs 2027-01-pause
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { SCENARIOS } from './scenarios.mjs';
import { writeHistory } from './write-history.mjs';

const [shape, ...only] = process.argv.slice(2);
if (!shape || !/^[\w.-]+$/.test(shape))
  throw new Error('usage: record.mjs SHAPE [SCENARIO…]: a name for the shape');

const HERE = dirname(fileURLToPath(import.meta.url));
const METALAB = join(HERE, '../../../bin/metalab.js');
const home = mkdtempSync(join(tmpdir(), 'metalab-record-'));
const env = { ...process.env, METALAB_HOME: join(home, 'engine'), METALAB_STORE: join(home, 'store') };

const metalab = (...args) =>
  execFileSync(process.execPath, [METALAB, ...args], { cwd: home, env, encoding: 'utf8' });

try {
  metalab('engine', 'start');
  const { server } = JSON.parse(metalab('engine', 'status', '--json'));
  const connection = await Connection.connect({ address: server.address });
  const client = new Client({ connection });
  mkdirSync(join(HERE, shape), { recursive: true });
  for (const [name, play] of Object.entries(SCENARIOS)) {
    if (only.length > 0 && !only.includes(name)) continue;
    await play({
      home,
      store: env.METALAB_STORE,
      metalab,
      /** The last argument may be further environment variables. */
      start: (...args) => {
        const more = typeof args.at(-1) === 'object' ? args.pop() : {};
        const child = spawn(process.execPath, [METALAB, ...args], {
          cwd: home,
          env: { ...env, ...more },
          stdio: 'ignore',
        });
        return { child, ended: new Promise((resolve) => child.once('close', resolve)) };
      },
      write: (file, text) => writeFileSync(join(home, file), text),
      workflow: (experiment) => client.workflow.getHandle(workflowId(experiment)),
      client,
      workflowId,
      sleep,
    });
    const runs = [];
    const query = `WorkflowId = "${workflowId(`${name}:1`)}"`;
    for (let tries = 0; tries < 50 && runs.length === 0; tries++) {
      for await (const run of client.workflow.list({ query }))
        if (run.status.name !== 'RUNNING') runs.push(run);
      await sleep(200);
    }
    runs.sort((a, b) => a.startTime - b.startTime);
    for (const [index, { workflowId: id, runId }] of runs.entries()) {
      const history = await client.workflow.getHandle(id, runId).fetchHistory();
      writeHistory(join(HERE, shape, `${name}-${index + 1}.binpb.gz`), history, home);
    }
  }
  await connection.close();
} finally {
  metalab('engine', 'stop');
  rmSync(home, { recursive: true, force: true });
}

function workflowId(experiment) {
  const { id } = JSON.parse(readFileSync(join(env.METALAB_STORE, 'store.json'), 'utf8'));
  return `metalab/${id}/${experiment}`;
}
