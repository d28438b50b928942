import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SweepStatus } from '../../src/index.js';
import { useOwnEngine } from '../support/engine.js';
import { serverAddress } from '../support/engine-status.js';
import { metalab, ROOT, resultsJson, submitJson } from '../support/metalab.js';
import { projectWith } from '../support/project.js';
import { canPlayOtherUser, OtherUser } from './other-user.js';

/** Runs that record who executes them; from x = 20 on they wait for the file `go`. */
const sweep = (name: string, runs: number) => `
  import { appendFileSync, existsSync } from 'node:fs';
  import { experiment, grid, operation, seeds } from 'metalab';
  export const work = operation(async ({ params, capture }) => {
    appendFileSync('executions', process.getuid() + '\\n');
    while (params.x >= 20 && !existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 20));
    capture.metric('uid', process.getuid());
  });
  export default experiment({
    name: '${name}', version: '1', operation: work,
    params: grid({ x: Array.from({ length: ${runs} }, (_, i) => i) }), seeds: seeds({ base: 1 }),
  });`;

describe.skipIf(!canPlayOtherUser)('another user of the machine', () => {
  const env = useOwnEngine();
  let other: OtherUser;
  let address: string;
  let client: Client;

  beforeAll(async () => {
    other = new OtherUser();
    await metalab(['engine', 'start'], { env });
    address = await serverAddress(env);
    client = new Client({ connection: await Connection.connect({ address }) });
  }, 360_000);

  afterAll(async () => {
    await client?.connection.close();
    await other?.end();
  });

  const executionsOf = (folder: string) => {
    const file = join(folder, 'executions');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };
  const uidsIn = (folder: string) => new Set(executionsOf(folder));

  it('executes his own submissions himself, and his worker takes nothing of a sweep of 300 runs', async () => {
    const project = await projectWith({ 'ours.mjs': sweep('ours', 300) });
    const his = other.write('theirs.mjs', sweep('theirs', 3));
    const options = { cwd: project.folder, env };
    const ours = submitJson(['ours.mjs', '--slots', '2', '--store', project.store], options);

    // His worker stays behind after each, and polls the same server.
    const submits = 3;
    for (let number = 1; number <= submits; number++) {
      const finished = await other.metalab(['submit', his, '--fresh'], { TEMPORAL_ADDRESS: address });
      expect(finished, finished.stderr).toMatchObject({ code: 0 });
    }
    while (!existsSync(project.path('executions'))) await sleep(50);
    writeFileSync(project.path('go'), '');
    const { outcome, stderr } = await ours;

    expect(outcome, stderr).toMatchObject({ total: 300, executed: 300, success: 300 });
    expect(stderr).not.toContain('permission denied');
    const records = await resultsJson('ours', project.store);
    expect(new Set(records.map(({ metrics }) => (metrics as { uid: number }).uid))).toEqual(new Set([0]));
    expect(uidsIn(project.folder)).toEqual(new Set(['0']));
    expect(uidsIn(other.folder)).toEqual(new Set([String(other.uid)]));
    expect(other.foreignFiles()).toEqual([]);
  }, 1200_000);

  it('is refused at once, with the reason, whatever he sends to the port; nothing of his is executed', async () => {
    const his = other.write('theirs.mjs', sweep('theirs', 3));
    const first = await other.metalab(['submit', his], { TEMPORAL_ADDRESS: address });
    expect(first, first.stderr).toMatchObject({ code: 0 });
    const project = await projectWith({ 'done.mjs': sweep('done', 3), 'held.mjs': sweep('held', 30) });
    const options = { cwd: project.folder, env };
    const done = await submitJson(['done.mjs', '--store', project.store], options);
    // Its run in progress ends before the other's begin: both held at once would leave no slot for what he sends.
    const paused = await projectWith({ 'paused.mjs': sweep('paused', 60) });
    const ofPaused = (...args: readonly string[]) =>
      metalab([...args, '--store', paused.store], { cwd: paused.folder, env });
    const statusOfPaused = async () =>
      JSON.parse((await ofPaused('status', 'paused', '--json')).stdout) as SweepStatus;
    await ofPaused('submit', 'paused.mjs', '--slots', '1', '--detach');
    while (executionsOf(paused.folder).length === 0) await sleep(50);
    expect(await ofPaused('pause', 'paused', '--reason', 'ours')).toMatchObject({ code: 0 });
    writeFileSync(paused.path('go'), '');
    while ((await statusOfPaused()).running > 0) await sleep(200);
    const executedOfPaused = executionsOf(paused.folder).length;
    await metalab(['submit', 'held.mjs', '--slots', '1', '--store', project.store, '--detach'], options);
    const { workflow_id: workflowId } = done.outcome!;
    const running = workflowId.replace('done', 'held');
    const storeId = (store: string) =>
      (JSON.parse(readFileSync(join(store, 'store.json'), 'utf8')) as { readonly id: string }).id;
    const idOfPaused = `metalab/${storeId(paused.store)}/paused:1`;
    const described = await client.workflow.getHandle(workflowId).describe();

    const executionsBefore = readFileSync(join(other.folder, 'executions'), 'utf8');
    const order = {
      address,
      queue: described.taskQueue,
      home: other.home,
      store: other.store,
      ours: { workflowId, runId: described.runId, store: done.outcome!.store, running, paused: idOfPaused },
    };
    // Where he may read them.
    other.write(
      'attack-workflow.mjs',
      readFileSync(join(ROOT, 'test/other-user/attack-workflow.mjs'), 'utf8'),
    );
    const script = other.write('attack.mjs', readFileSync(join(ROOT, 'test/other-user/attack.mjs'), 'utf8'));
    const attack = await other.node([script, other.root, JSON.stringify(order)], {});
    expect(attack, attack.stderr).toMatchObject({ code: 0 });
    const lines = attack.stdout.trim().split('\n');
    const attempts = lines.map((line) => JSON.parse(line) as { attempt: string; refused: string | null });
    expect(attempts).toHaveLength(6 + 4 + 6 * 5 + 9 + 3);
    const reason = /is not signed|with another key|does not match its signature/;
    expect(attempts.filter(({ refused }) => !reason.test(refused ?? ''))).toEqual([]);

    // Neither run nor written to, and what runs of ours goes on.
    expect(readFileSync(join(other.folder, 'executions'), 'utf8')).toBe(executionsBefore);
    expect(other.foreignFiles()).toEqual([]);
    const status = await metalab(['status', 'held', '--store', project.store, '--json'], options);
    expect(status.stdout).toContain('"running"');
    writeFileSync(project.path('go'), '');
    const ended = await metalab(['attach', 'held', '--store', project.store, '--json'], options);
    expect(JSON.parse(ended.stdout.trim().split('\n').at(-1)!)).toMatchObject({ success: 30 });

    // What is paused stays so until one of us resumes it.
    expect(await statusOfPaused()).toMatchObject({ state: 'paused', reason: 'ours' });
    expect(executedOfPaused).toBeLessThan(60);
    expect(executionsOf(paused.folder)).toHaveLength(executedOfPaused);
    expect(await ofPaused('resume', 'paused')).toMatchObject({ code: 0 });
    const resumed = await ofPaused('attach', 'paused', '--json');
    expect(JSON.parse(resumed.stdout.trim().split('\n').at(-1)!)).toMatchObject({ success: 60 });
  }, 1800_000);
});
