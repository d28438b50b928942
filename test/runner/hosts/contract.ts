import { describe, expect, test } from 'vitest';
import { type Sweep, type SweepOptions, useSweeps } from '../../execution/local/sweep.js';
import { until } from '../../support/until.js';

/** What an operation of the contract does in the run with `params.x` = 1, after it has captured `params.x` as metric `x`. */
export const BEHAVIOURS = [
  /** Logs "a line" at level info, tags the run "tagged", and captures metric `loss` at steps 1 and 2. */
  'captures',
  /** Fails with an error of type RangeError and message "too far". */
  'fails',
  /** Fails so in the first attempt, and succeeds in the second one. */
  'fails once',
  /** Prints "one" to stdout, then "two" to stderr. */
  'prints',
  /** Writes the file `begun` into the working directory, and never ends. */
  'never ends',
  /** Ends its process with exit code 3. */
  'exits',
  /** Kills its process with SIGKILL. */
  'is killed',
  /** Captures the first number of seed stream "s" as metric `drawn`, and the environment variable ROOT as data `root`. */
  'draws',
] as const;
export type Behaviour = (typeof BEHAVIOURS)[number];

/** What must be true of every kind of operation: `source` writes an operation of that kind. */
export function describeOperationHost(
  kind: string,
  source: (behaviour: Behaviour) => Pick<SweepOptions, 'code'>,
): void {
  let sweep: Sweep;
  const start = useSweeps((made) => {
    sweep = made;
  });
  const begin = (behaviour: Behaviour, options: Omit<SweepOptions, 'code'> = {}) =>
    start({ ...source(behaviour), cases: 3, ...options });
  const statuses = () => sweep.records().map(({ status }) => status);

  /** Runs 0 and 2 must not notice how run 1 ends. */
  async function expectOneFailure(behaviour: Behaviour, options: Omit<SweepOptions, 'code'> = {}) {
    expect(await begin(behaviour, options).run()).toMatchObject({ next: 3, success: 2, failed: 1 });
    expect(statuses()).toEqual(['success', 'failed', 'success']);
    const [before, failed, after] = sweep.records();
    expect([before!.metrics.x, after!.metrics.x]).toEqual([0, 2]);
    return failed!.error!;
  }

  describe(`operations of kind ${kind}`, () => {
    test('capture metrics, steps, tags and log lines', async () => {
      expect(await begin('captures').run()).toMatchObject({ success: 3 });
      expect(sweep.records()[1]).toMatchObject({ metrics: { x: 1, loss: 2 }, tags: ['tagged'] });
      expect(
        sweep.lines<{ step: number; value: number }>('series').map(({ step, value }) => [step, value]),
      ).toEqual([
        [1, 1],
        [2, 2],
      ]);
      expect(sweep.log(1)).toContain('info: a line');
    });

    test('get the same seeds wherever they run, and the environment of their slot', async () => {
      await begin('draws').run();
      const { metrics } = sweep.records()[1]!;
      expect(metrics.drawn).toBe(0.2306398218782546);
      expect(sweep.lines<{ value: unknown }>('data').map(({ value }) => value)).toEqual([sweep.root]);
    });

    test('fail with the type and message of what they throw', async () => {
      expect(await expectOneFailure('fails')).toMatchObject({ type: 'RangeError', message: 'too far' });
      expect(sweep.records()[1]!.metrics).toEqual({ x: 1 });
    });

    test('are tried again as often as the experiment says', async () => {
      expect(await begin('fails once', { declaration: { retries: 1 } }).run()).toMatchObject({ success: 3 });
      expect(sweep.records().map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
    });

    test('print to the log of their run, in order', async () => {
      await begin('prints').run();
      expect(sweep.log(1)).toEqual(['stdout: one', 'stderr: two']);
      expect(sweep.log(0)).toEqual([]);
    });

    test('fail when they exceed their timeout', async () => {
      const error = await expectOneFailure('never ends', { declaration: { timeout_ms: 500 } });
      expect(error.type).toBe('TimeoutError');
    });

    test('fail alone when they end their process', async () => {
      expect((await expectOneFailure('exits')).message).toContain('code 3');
    });

    test('fail alone when their process is killed', async () => {
      expect((await expectOneFailure('is killed')).message).toContain('SIGKILL');
    });

    test('are cancelled while they run', async () => {
      const running = begin('never ends').run();
      await sweep.untilWritten('begun');
      sweep.stop('cancel');
      expect(await running).toMatchObject({ success: 1, cancelled: 1 });
      await until(() => statuses().length === 2);
      expect(statuses()).toEqual(['success', 'cancelled']);
    });
  });
}
