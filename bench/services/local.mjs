import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { program, setUp, wallSecondsBeside } from '../processes.mjs';
import { median } from '../report.mjs';

const ROUNDS = 3;

/** Postgres and Atlas on this machine, beside an engine that runs. */
export async function measureLocal(scratch, report) {
  setUp('temporal-server');
  report.title(`metalab services on this machine; medians of ${ROUNDS} rounds`);
  const times = { cold: [], again: [], alive: [], dead: [] };
  for (let round = 0; round < ROUNDS; round++) {
    const folder = join(scratch, `services-${round}`);
    mkdirSync(folder);
    writeFileSync(
      join(folder, '.metalab.toml'),
      `[project]\nname = "bench${round}"\n[services.postgres]\n[services.atlas]\n`,
    );
    const services = (...args) => wallSecondsBeside([program, 'services', ...args], folder);
    try {
      times.cold.push(await services('up'));
      times.alive.push(await services('up'));
      times.dead.push(await secondsUntilRestarted(folder));
      await services('down');
      times.again.push(await services('up'));
    } finally {
      await services('down');
      rmSync(join(process.env.METALAB_HOME, 'services'), { recursive: true, force: true });
    }
  }
  report.seconds('services_up_cold_seconds', median(times.cold), 'up, with new data', 'expected ≤ 3 s');
  report.seconds('services_up_again_seconds', median(times.again), 'up, with data that are there');
  report.seconds(
    'services_up_alive_seconds',
    median(times.alive),
    'up, when all is alive',
    'expected ≤ 0.7 s',
  );
  report.seconds(
    'services_restart_seconds',
    median(times.dead),
    'a killed Postgres, until it answers again',
    'expected ≤ 5 s',
  );
}

/** Kills Postgres, and waits until it answers. @param cwd the project's folder */
async function secondsUntilRestarted(cwd) {
  const { stdout } = await promisify(execFile)(process.execPath, [program, 'services', 'status', '--json'], {
    cwd,
  });
  const { services, store } = JSON.parse(stdout);
  const uri = new URL(store);
  const password = readFileSync(uri.searchParams.get('passfile'), 'utf8').trim().split(':').at(-1);
  uri.search = '';
  process.kill(services.find(({ name }) => name === 'postgres').process_id.pid, 'SIGKILL');
  const began = performance.now();
  while (!(await answers(uri.href, password))) await sleep(20);
  return (performance.now() - began) / 1000;
}

async function answers(connectionString, password) {
  const client = new pg.Client({ connectionString, password });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
