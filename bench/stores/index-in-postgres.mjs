import { chmodSync, createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openResults } from 'metalab';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { Postgres, USER } from '../../test/support/temporal-on-postgres/postgres.mjs';
import { noopSweep } from '../noop.mjs';
import { PeakMemory } from '../peak-memory.mjs';
import { program, setUp, wallSecondsBeside } from '../processes.mjs';
import { median } from '../report.mjs';
import sweep from '../results/sweep.mjs';

const RUNS = 1_000_000;
const COMPARED_RUNS = 200_000;
const NEW_RUNS = 1_000;
const ROUNDS = 3;
const PASSWORD = 'bench';

/** An index in PostgreSQL: filling it beside a bare COPY of the same rows, following a sweep, and answers from it alone. */
export async function measureIndex(lab, scratch, report) {
  setUp('temporal-server');
  process.env.PGPASSWORD = PASSWORD;
  const folder = mkdtempSync(join(tmpdir(), 'metalab-bench-postgres-'));
  // PostgreSQL's own account must reach its folder in it.
  chmodSync(folder, 0o711);
  const postgres = await Postgres.create(join(folder, 'cluster'), PASSWORD);
  try {
    report.title(`An index in PostgreSQL; medians of ${ROUNDS} rounds`);
    await measureFilling(lab, scratch, report, postgres);
    await measureFollowing(lab, scratch, report, postgres);
  } finally {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureFilling(lab, scratch, report, postgres) {
  const folder = join(scratch, 'indexed');
  await (await lab.submit(sweep, { store: folder })).outcome();
  const memory = new PeakMemory(process.env.METALAB_HOME);
  const times = { index: [], copy: [], indexed: [] };
  const dump = join(scratch, 'rows.copy');
  let uri;
  for (let round = 0; round < ROUNDS; round++) {
    // A database of its own each time: rows that were deleted would slow the next round.
    const database = `filled${round}`;
    uri = await newDatabase(postgres, database, folder);
    times.index.push(await wallSecondsBeside([program, 'store', 'index', '--store', uri]));
    const client = await connectTo(postgres, database);
    if (round === 0)
      await pipeline(client.query(copyTo('COPY metalab.runs TO STDOUT')), createWriteStream(dump));
    for (const [kind, like] of [
      ['copy', 'LIKE metalab.runs'],
      ['indexed', 'LIKE metalab.runs INCLUDING ALL'],
    ]) {
      await client.query('DROP TABLE IF EXISTS bare');
      await client.query(`CREATE TABLE bare (${like})`);
      const began = performance.now();
      await pipeline(
        createReadStream(dump, { highWaterMark: 1 << 18 }),
        client.query(copyFrom('COPY bare FROM STDIN')),
      );
      times[kind].push((performance.now() - began) / 1000);
    }
    await client.query('DROP TABLE bare');
    await client.end();
    if (round < ROUNDS - 1) await dropDatabase(postgres, database);
  }
  rmSync(dump);
  const [ours, bare] = [median(times.index), median(times.copy)];
  report.perSecond(
    'index_copy_per_second',
    RUNS,
    bare,
    'bare COPY of the rows, without indexes',
    'records/s',
  );
  report.perSecond(
    'index_copy_indexed_per_second',
    RUNS,
    median(times.indexed),
    'bare COPY of the rows, with the same indexes',
    'records/s',
  );
  report.perSecond('index_per_second', RUNS, ours, 'indexing 1,000,000 records', 'records/s');
  report.ratio('index_ratio', bare / ours, 'speed, compared with COPY', 'expected ≥ 0.6');
  report.ratio('index_indexed_ratio', median(times.indexed) / ours, 'the same, with indexes', '');
  for (const [kind, megabytes] of Object.entries(memory.stop()).sort())
    report.row(
      `index_peak_mb_${kind}`,
      megabytes,
      `  peak memory of ${kind}`,
      `${megabytes} MB`,
      'expected ≤ 500 MB',
    );

  const alone = uri.replace(/\?.*/, '');
  const asked = { grouped: [], page: [] };
  for (let round = 0; round < ROUNDS; round++) {
    asked.grouped.push(
      await secondsOf(alone, (results) => results.groupBy('p0', 'p1').stats('m0', ['mean'])),
    );
    asked.page.push(
      await secondsOf(alone, async (results) => {
        for await (const _ of results.sort('-m0').limit(50).rows());
      }),
    );
  }
  report.seconds('index_grouped_seconds', median(asked.grouped), 'a grouped mean, from PostgreSQL alone');
  report.seconds(
    'index_page_seconds',
    median(asked.page),
    'the first page of a sorted table, from PostgreSQL alone',
  );
}

async function secondsOf(uri, ask) {
  const began = performance.now();
  const results = await openResults(uri, 'measured');
  await ask(results);
  await results.close();
  return (performance.now() - began) / 1000;
}

async function measureFollowing(lab, scratch, report, postgres) {
  const times = { plain: [], indexed: [], seen: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of ['plain', 'indexed']) {
      const folder = join(scratch, `${kind}-${round}`);
      const store = kind === 'plain' ? folder : await newDatabase(postgres, `followed${round}`, folder);
      const began = performance.now();
      await (await lab.submit(noopSweep(COMPARED_RUNS), { store, slots: 2 })).outcome();
      times[kind].push((performance.now() - began) / 1000);
    }
    const name = `new${round}`;
    const uri = await newDatabase(postgres, name, join(scratch, name));
    // The schema is made by then, as in any sweep but a store's first.
    await (await lab.submit(noopSweep(1), { store: uri, slots: 2 })).outcome();
    await (await lab.submit(noopSweep(NEW_RUNS), { store: uri, slots: 2 })).outcome();
    const began = performance.now();
    const client = await connectTo(postgres, name);
    for (;;) {
      const { rows } = await client.query(
        `SELECT count(*)::int AS n FROM metalab.runs WHERE experiment = 'noop:${NEW_RUNS}'`,
      );
      if (rows[0].n === NEW_RUNS) break;
      await sleep(20);
    }
    times.seen.push((performance.now() - began) / 1000);
    await client.end();
  }
  const [plain, indexed] = [median(times.plain), median(times.indexed)];
  const compared = COMPARED_RUNS.toLocaleString('en-US');
  report.seconds('index_sweep_plain_seconds', plain, `${compared} no-op runs without an index`);
  report.seconds('index_sweep_seconds', indexed, `${compared} no-op runs, indexed meanwhile`);
  report.ratio('index_slowdown', indexed / plain - 1, 'slowdown', 'expected ≤ 0.1');
  report.seconds(
    'index_lag_seconds',
    median(times.seen),
    '1,000 new records, from the outcome until they are there',
    'expected ≤ 2 s',
  );
}

const serverUri = (postgres, name) => `postgresql://${USER}@127.0.0.1:${postgres.port}/${name}`;

async function newDatabase(postgres, name, folder) {
  const client = await connectTo(postgres, 'postgres');
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return `${serverUri(postgres, name)}?file_root=${encodeURIComponent(folder)}`;
}

async function dropDatabase(postgres, name) {
  const client = await connectTo(postgres, 'postgres');
  await client.query(`DROP DATABASE ${name}`);
  await client.end();
}

async function connectTo(postgres, name) {
  const client = new pg.Client({ connectionString: serverUri(postgres, name), password: PASSWORD });
  await client.connect();
  return client;
}
