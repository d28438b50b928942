import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An experiment whose runs take so long. */
const experiment = (name, runs, milliseconds, more = '') => `
import { experiment, grid, operation, seeds } from 'metalab';
export const work = operation(async ({ params, capture }) => {
  await new Promise((resolve) => setTimeout(resolve, ${milliseconds}));
  if (params.x % 10 === 9) throw new Error('nine');
  capture.metric('y', 2 * params.x);
});
export default experiment({
  name: '${name}', version: '1', operation: work, seeds: seeds({ base: 1 }),
  params: grid({ x: Array.from({ length: ${runs} }, (_, i) => i) }), ${more}
});`;

async function until(condition) {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
}

const recordsOf = (store, folder) => {
  try {
    return readdirSync(join(store, folder, 'segments'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/^(logs|series|data)-/.test(entry.name))
      .reduce(
        (sum, { parentPath, name }) =>
          sum + readFileSync(join(parentPath, name), 'utf8').split('\n').length - 1,
        0,
      );
  } catch {
    return 0;
  }
};

/** What each plays is recorded under its name: everything that gives a history another shape. */
export const SCENARIOS = {
  async plain({ write, start }) {
    write('plain.mjs', experiment('plain', 60, 20));
    await start('submit', 'plain.mjs').ended;
  },

  /** A second submission waits behind the first; a third joins the second. */
  async queue({ write, start, store }) {
    write('queue.mjs', experiment('queue', 30, 100));
    const first = start('submit', 'queue.mjs');
    await until(() => recordsOf(store, 'queue@1') > 2);
    write('queue.mjs', experiment('queue', 40, 100));
    const second = start('submit', 'queue.mjs');
    await new Promise((resolve) => setTimeout(resolve, 700));
    const third = start('submit', 'queue.mjs');
    await Promise.all([first, second, third].map(({ ended }) => ended));
  },

  /** Somebody cancels the workflow itself, with a submission in its queue. */
  async cancelled({ write, start, store, workflow }) {
    write('cancelled.mjs', experiment('cancelled', 60, 200));
    const first = start('submit', 'cancelled.mjs');
    await until(() => recordsOf(store, 'cancelled@1') > 2);
    write('cancelled.mjs', experiment('cancelled', 70, 200));
    const second = start('submit', 'cancelled.mjs', '--detach');
    await second.ended;
    await workflow('cancelled:1').cancel();
    await first.ended;
  },

  /** Records disappear in mid-sweep: their runs go round again. */
  async round({ write, start, store }) {
    write('round.mjs', experiment('round', 60, 100));
    const first = start('submit', 'round.mjs');
    await until(() => recordsOf(store, 'round@1') > 10);
    const folder = join(store, 'round@1', 'segments');
    for (const name of readdirSync(folder, { recursive: true }))
      if (name.endsWith('.ndjson')) rmSync(join(folder, name));
    await first.ended;
  },

  /** Paused, resumed, cancelled with a submission in the queue, and submitted again. */
  async controlled({ write, start, store }) {
    write('controlled.mjs', experiment('controlled', 80, 200));
    await start('submit', 'controlled.mjs', '--detach').ended;
    await until(() => recordsOf(store, 'controlled@1') > 2);
    await start('pause', 'controlled').ended;
    await start('attach', 'controlled').ended;
    await start('resume', 'controlled').ended;
    write('controlled.mjs', experiment('controlled', 90, 200));
    await start('submit', 'controlled.mjs', '--detach').ended;
    await start('cancel', 'controlled').ended;
    await start('submit', 'controlled.mjs').ended;
  },

  /** Continues as new several times, with a submission in its queue. */
  async continued({ write, start, store }) {
    write('continued.mjs', experiment('continued', 200, 300));
    const short = { METALAB_HISTORY_EVENTS: '60' };
    const first = start('submit', 'continued.mjs', '--slots', '8', short);
    await until(() => recordsOf(store, 'continued@1') > 2);
    write('continued.mjs', experiment('continued', 210, 300));
    const second = start('submit', 'continued.mjs', '--slots', '8');
    await Promise.all([first, second].map(({ ended }) => ended));
  },

  /** The store's disk is full for a while. Mounting a small one takes root. */
  async waiting({ write, start, store }) {
    // Makes the store.
    write('other.mjs', experiment('other', 1, 1));
    await start('submit', 'other.mjs').ended;
    const folder = join(store, 'waiting@1');
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=755', 'tmpfs', folder]);
    try {
      write('waiting.mjs', experiment('waiting', 60, 100));
      await start('submit', 'waiting.mjs', '--detach').ended;
      await until(() => recordsOf(store, 'waiting@1') > 4);
      try {
        writeFileSync(join(folder, 'others'), Buffer.alloc(16 * 1024 * 1024));
      } catch {
        // As full as it gets.
      }
      await new Promise((resolve) => setTimeout(resolve, 12_000));
      rmSync(join(folder, 'others'));
      await start('submit', 'waiting.mjs').ended;
    } finally {
      execFileSync('umount', ['--lazy', folder]);
    }
  },

  /** First runs that are long, a worker that comes meanwhile, and a long run while the workflow is to continue as new. */
  async newcomers({ write, start, sleep, store }) {
    write('newcomers.mjs', experiment('newcomers', 300, 'params.x < 3 ? 40_000 : 100'));
    const submit = start('submit', 'newcomers.mjs', { METALAB_HISTORY_EVENTS: '60' });
    await sleep(5_000);
    const worker = start('worker', '--slots', '1');
    await until(() => recordsOf(store, 'newcomers@1') > 20);
    worker.child.kill('SIGTERM');
    await Promise.all([submit.ended, worker.ended]);
  },

  /** As many runs fail as the submission allows: it is ended, with another in its queue. */
  async failures({ write, start, store }) {
    write('failures.mjs', experiment('failures', 60, 100));
    const first = start('submit', 'failures.mjs', '--max-failures', '2', '--slots', '2');
    await until(() => recordsOf(store, 'failures@1') > 2);
    write('failures.mjs', experiment('failures', 70, 20));
    const second = start('submit', 'failures.mjs');
    await Promise.all([first, second].map(({ ended }) => ended));
  },

  /** Batches on a Slurm cluster. Needs the rig: npm run rig up, and METALAB_SSH_CONFIG as it says. */
  async batches({ write, start, home }) {
    if (!process.env.METALAB_SSH_CONFIG)
      throw new Error('METALAB_SSH_CONFIG names no configuration of a rig');
    const spool = JSON.stringify(join(home, 'spool'));
    write(
      '.metalab.toml',
      `[environments.cluster]\ntype = "slurm"\nfile_root = ${spool}\ngateway = "rig"\n[environments.cluster.executor]\ntime = "5m"\n`,
    );
    write('batches.mjs', experiment('batches', 60, 300));
    await start('submit', 'batches.mjs', '--env', 'cluster').ended;
  },
};
