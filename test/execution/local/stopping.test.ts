import { describe, expect, test } from 'vitest';
import { BUSY, body, type Sweep, useSweeps } from './sweep.js';

let sweep: Sweep;
const start = useSweeps((made) => {
  sweep = made;
});

describe('the budget and stopping', () => {
  const slow = body(
    "fs.writeFileSync('started', ''); await new Promise((done) => setTimeout(done, 50)); capture.metric('x', 1);",
    {
      async: true,
    },
  );

  test('past its budget a chunk starts no further run, and says where it stopped', async () => {
    const report = await start({ code: slow, cases: 100 }).run({ budget_ms: 2_000 });
    expect(report.next).toBeGreaterThan(0);
    expect(report.next).toBeLessThan(42);
    expect(sweep.records()).toHaveLength(report.next);
    expect((await sweep.run({ from: report.next, to: report.next + 2 })).next).toBe(report.next + 2);
    expect(sweep.segments('records')).toHaveLength(1);
  });

  test('however small the budget, one run is done', async () => {
    expect((await start({ code: slow, cases: 3 }).run({ budget_ms: 0 })).next).toBe(1);
  });

  test('when asked to yield, the run in progress is finished and no further one starts', async () => {
    start({ code: slow, cases: 1_000 });
    const running = sweep.run();
    await sweep.untilWritten('started');
    sweep.stop('yield');
    const report = await running;
    expect(report.next).toBeLessThan(50);
    expect(report).toMatchObject({ success: report.next, cancelled: 0 });
  });

  test('a sweep of short sync runs yields too', async () => {
    start({ code: BUSY, cases: 100_000 });
    const running = sweep.run();
    await sweep.untilWritten('executed');
    sweep.stop('yield');
    const stopped = Date.now();
    const report = await running;
    expect(Date.now() - stopped).toBeLessThan(2_000);
    expect(report.next).toBeLessThan(20_000);
    expect(sweep.records()).toHaveLength(report.next);
  });

  test('when cancelled, the run in progress sees its signal and is recorded as cancelled', async () => {
    const code = `import fs from 'node:fs'; export default metalab.operation(async ({ runtime }) => {
      fs.writeFileSync('started', '');
      await new Promise((_, fail) => runtime.signal.addEventListener('abort', () => fail(runtime.signal.reason)));
    });`;
    start({ code, cases: 5 });
    const running = sweep.run();
    await sweep.untilWritten('started');
    sweep.stop('cancel');
    expect(await running).toMatchObject({ next: 1, cancelled: 1 });
    expect(sweep.record()).toMatchObject({ status: 'cancelled', error: null });
  });

  test('when cancelled, a run that is blocked is ended by force and recorded as cancelled', async () => {
    start({ code: body("fs.writeFileSync('started', ''); for (;;) {}"), cases: 5 });
    const running = sweep.run();
    await sweep.untilWritten('started');
    sweep.stop('cancel');
    expect(await running).toMatchObject({ next: 1, cancelled: 1 });
    expect(sweep.record().status).toBe('cancelled');
  }, 60_000);

  test('a run of more than a second is shown as running, with its progress', async () => {
    const code = `export default metalab.operation(async ({ runtime }) => {
      runtime.progress(0.25); await new Promise((done) => setTimeout(done, 1_800));
    });`;
    await start({ code }).run();
    const running = sweep.shown.map((progress) => progress.running).filter((run) => run !== null);
    expect(running.at(-1)).toMatchObject({ position: 0, progress: 0.25 });
  });
});
