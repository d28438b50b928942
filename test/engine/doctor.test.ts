import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type Check, runDoctor } from '../../src/engine/doctor/index.js';
import { ensureServer } from '../../src/engine/server/server.js';
import { temporaryEngine } from './temporary-engine.js';

let engine: ReturnType<typeof temporaryEngine>;
let store: string;

beforeEach(() => {
  engine = temporaryEngine();
  store = join(engine.folder, 'experiments');
});

afterEach(() => engine.remove());

const named = (checks: readonly Check[], name: string) => checks.filter((check) => check.name === name);

test('the doctor finds nothing wrong where all is well', { timeout: 90_000 }, async () => {
  await ensureServer({ env: engine.env });
  mkdirSync(store);
  writeFileSync(join(store, 'store.json'), '{"scheme":1}');
  const checks = await runDoctor({ env: engine.env, store, build: 'a' });
  expect(checks.filter(({ ok }) => ok === false)).toEqual([]);
  expect(named(checks, 'temporal server')[0]?.detail).toContain('the engine');
  expect(named(checks, 'search attributes')[0]?.ok).toBe(true);
  expect(named(checks, 'store')).toEqual([{ name: 'store', ok: true, detail: `${store}, scheme 1` }]);
});

test('the doctor says what is wrong and how to mend it, whatever else is wrong', async () => {
  mkdirSync(join(engine.home, 'workers'), { recursive: true });
  mkdirSync(store);
  writeFileSync(join(store, 'store.json'), '{"scheme":2}');
  const left = { pid: 1, start_time: 'long ago', host: (await import('node:os')).hostname() };
  writeFileSync(join(engine.home, 'server.json'), JSON.stringify(left));
  const checks = await runDoctor({ env: { ...engine.env, METALAB_TEMPORAL: '/none' }, store, build: 'a' });
  expect(named(checks, 'temporal CLI')[0]).toMatchObject({
    ok: false,
    next: expect.stringContaining('METALAB_TEMPORAL'),
  });
  expect(named(checks, 'store')[0]).toMatchObject({ ok: false, next: expect.stringContaining('newer') });
  expect(named(checks, 'state')[0]).toMatchObject({
    ok: 'warn',
    detail: expect.stringContaining('server, pid 1'),
  });
  expect(named(checks, 'workers')[0]?.ok).toBe(true);
});

test('the doctor starts nothing', async () => {
  const checks = await runDoctor({ env: engine.env, build: 'a' });
  expect(named(checks, 'temporal server')[0]).toMatchObject({
    ok: true,
    detail: expect.stringContaining('stopped'),
  });
});

// Only root can be somebody else.
test.skipIf(process.getuid?.() !== 0)('the doctor warns of other users who have processes here', async () => {
  // As of an account that is kept elsewhere; nobody's would be a service's.
  const uid = 23_456;
  const stranger = spawn('sleep', ['600'], { uid, gid: uid, stdio: 'ignore' });
  onTestFinished(() => void stranger.kill('SIGKILL'));
  await once(stranger, 'spawn');
  const usersOf = async (env: NodeJS.ProcessEnv) =>
    named(await runDoctor({ env, build: 'a' }), 'other users')[0];
  expect(await usersOf(engine.env)).toMatchObject({
    ok: 'warn',
    // Where the machine has many accounts, it names three of them.
    detail: expect.stringMatching(
      /other users have accounts or processes here \(.*(uid 23456|…).*cancel them/,
    ),
    next: expect.stringContaining('TEMPORAL_ADDRESS'),
  });
  // Who may reach one's own server, its TLS and keys decide.
  expect(await usersOf({ ...engine.env, TEMPORAL_ADDRESS: '127.0.0.1:1' })).toMatchObject({ ok: true });

  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
  expect((await usersOf(engine.env))?.detail).not.toContain(`uid ${uid}`);
});
