import { expect, test } from 'vitest';
import { runForLines, scriptsWith } from './script.js';

const EXPERIMENT = `
  import { existsSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  import { experiment, grid, operation, seeds } from 'metalab';
  export const measure = operation(async ({ params, capture }) => {
    while (params.held && !existsSync('go')) await sleep(20);
    capture.metric('y', params.x);
  });
  const make = (name, axes) => experiment({ name, version: '1', operation: measure, params: grid(axes), seeds: seeds({ base: 1 }) });
  export const quick = make('quick', { x: [1] });
  export const held = make('held', { x: [1], held: [true] });`;

/** Tries calls one after another, and prints of each its label and the error that it ended with. */
const attempts = (body: string) => `
  import { writeFileSync } from 'node:fs';
  import { connect, loadConfig, openResults, run } from 'metalab';
  import * as whole from './experiment.mjs';
  const { quick, held } = whole;
  const attempt = async (label, call) => {
    const result = await Promise.resolve().then(call).then(() => ({ code: null }), ({ code, message }) => ({ code, message }));
    console.log(JSON.stringify({ label, ...result }));
  };
  ${body}`;

interface Attempt {
  readonly label: string;
  readonly code: string | null;
  readonly message?: string;
}

async function outcomesOf(body: string): Promise<Map<string, Attempt>> {
  const project = await scriptsWith({ 'experiment.mjs': EXPERIMENT, 'main.mjs': attempts(body) });
  const lines = await runForLines<Attempt>(project, 'main.mjs');
  return new Map(lines.map((line) => [line.label, line]));
}

test('after close() every call rejects with METALAB_CLOSED, also a pending one, except for results that are already known', async () => {
  const found = await outcomesOf(`
    const lab = await connect();
    const store = 'experiments';
    const ended = await lab.submit(quick, { store });
    await ended.outcome();
    const going = await lab.submit(held, { store });
    const waiting = attempt('waiting', () => going.outcome());
    await lab.close();
    await waiting;
    await attempt('close', () => lab.close());
    await attempt('submit', () => lab.submit(quick, { store }));
    await attempt('attach', () => lab.attach('quick:1', { store }));
    await attempt('cancel', () => lab.cancel('quick:1', { store }));
    await attempt('retry', () => lab.retry('quick:1', { store }));
    for (const method of ['status', 'outcome', 'result', 'cancel', 'pause', 'resume', 'retry'])
      await attempt('handle.' + method, () => going[method]());
    await attempt('handle.events', async () => { for await (const event of going.events()) event; });
    await attempt('result that is there', () => ended.outcome());
    writeFileSync('go', '');
    const again = await connect();
    await (await again.attach('held:1', { store })).outcome();
    await again.close();`);
  expect(found.size).toBe(15);
  for (const [label, { code }] of found)
    expect(code, label).toBe(['close', 'result that is there'].includes(label) ? null : 'METALAB_CLOSED');
});

test('arguments of a wrong kind, and unknown options, are refused with a code and what to write instead', async () => {
  const found = await outcomesOf(`
    await attempt('run', () => run({ name: 'quick' }));
    await attempt('run option', () => run(quick, { slot: 2 }));
    await attempt('connect', () => connect({ sya: console.log }));
    await attempt('openResults', () => openResults(undefined, 'quick'));
    await attempt('loadConfig', () => loadConfig({ foldr: '.' }));
    const lab = await connect();
    const store = 'experiments';
    await attempt('nothing', () => lab.submit());
    await attempt('object', () => lab.submit({}));
    await attempt('path', () => lab.submit('experiment.mjs'));
    await attempt('module', () => lab.submit(whole));
    await attempt('promise', () => lab.submit(import('./experiment.mjs')));
    await attempt('options', () => lab.submit(quick, { stroe: store, keepFailed: 'yes', executor: 3 }));
    await attempt('executor', () => run(quick, { executor: { type: 'slurm', slots: 2, partition: 3, time: 'soon' } }));
    await attempt('no options', () => lab.submit(quick, 'experiments'));
    await attempt('attach', () => lab.attach(quick, { store }));
    await attempt('cancel', () => lab.cancel(undefined, { store }));
    await attempt('retry', () => lab.retry('quick:1', { store, run: ['abcd'] }));
    const handle = await lab.submit(quick, { store });
    await attempt('timeout', () => handle.outcome({ timeout: '5 parsecs' }));
    await attempt('signal', () => handle.outcome({ signal: true }));
    await attempt('result option', () => handle.outcome({ timout: '1h' }));
    await attempt('handle.cancel', () => handle.cancel({ why: 'wrong' }));
    await attempt('handle.retry', () => handle.retry({ runs: 'abcd' }));
    await handle.outcome();
    await attempt('unknown experiment', () => lab.attach('quikc:1', { store }));
    await lab.close();`);
  const expected: { readonly [label: string]: readonly [code: string, message: RegExp] } = {
    run: ['METALAB_NOT_AN_EXPERIMENT', /run: got \{"name":"quick"\}[\s\S]*wrap it in experiment\(…\)/],
    'run option': ['METALAB_OPTION', /run\.slot[\s\S]*did you mean slots\?/],
    connect: ['METALAB_OPTION', /connect\.sya[\s\S]*did you mean say\?/],
    openResults: ['METALAB_ARGUMENT', /openResults\.store: is nothing[\s\S]*a path or uri/],
    loadConfig: ['METALAB_OPTION', /loadConfig\.foldr[\s\S]*did you mean folder\?/],
    nothing: ['METALAB_NOT_AN_EXPERIMENT', /submit: got nothing[\s\S]*what experiment\(\{ … \}\) returned/],
    object: ['METALAB_NOT_AN_EXPERIMENT', /submit: got \{\}/],
    path: ['METALAB_NOT_AN_EXPERIMENT', /metalab submit experiment\.mjs/],
    module: ['METALAB_NOT_AN_EXPERIMENT', /a whole module: pass its export held/],
    promise: ['METALAB_NOT_AN_EXPERIMENT', /a Promise[\s\S]*await it first/],
    options: [
      'METALAB_OPTION',
      /3 problems[\s\S]*submit\.stroe[\s\S]*did you mean store\?[\s\S]*submit\.executor: is 3[\s\S]*submit\.keepFailed: is "yes"[\s\S]*true or false/,
    ],
    executor: [
      'METALAB_CONFIG',
      /4 problems[\s\S]*\[executor\] has no file_root[\s\S]*\[executor\] has no key 'slots'[\s\S]*executor\.partition is 3[\s\S]*executor\.time is "soon"[\s\S]*'2h'/,
    ],
    'no options': ['METALAB_OPTION', /submit: got "experiments"/],
    attach: ['METALAB_EXPERIMENT_ID', /got an experiment[\s\S]*pass 'quick:1'/],
    cancel: ['METALAB_EXPERIMENT_ID', /cancel: got nothing/],
    retry: ['METALAB_OPTION', /retry\.run[\s\S]*did you mean runs\?/],
    timeout: ['METALAB_DURATION', /timeout is "5 parsecs"/],
    signal: ['METALAB_OPTION', /outcome\.signal: is true[\s\S]*an AbortSignal/],
    'result option': ['METALAB_OPTION', /outcome\.timout[\s\S]*did you mean timeout\?/],
    'handle.cancel': ['METALAB_OPTION', /cancel\.why/],
    'handle.retry': ['METALAB_OPTION', /retry\.runs: is "abcd"[\s\S]*an array of run_ids/],
    'unknown experiment': ['METALAB_NO_SUBMISSION', /no submission of quikc:1[\s\S]*did you mean quick:1\?/],
  };
  expect([...found.keys()]).toEqual(Object.keys(expected));
  for (const [label, [code, message]] of Object.entries(expected)) {
    expect(found.get(label)?.code, label).toBe(code);
    expect(found.get(label)?.message, label).toMatch(message);
  }
});
