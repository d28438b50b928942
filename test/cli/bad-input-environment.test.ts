import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { answers } from '../../src/engine/server/ports.js';
import { findTemporalCli } from '../../src/engine/server/temporal-cli.js';
import { temporaryEngine } from '../engine/temporary-engine.js';
import { experimentText } from '../support/experiment-text.js';
import { metalab, submitJson } from '../support/metalab.js';
import { type Project, projectWith } from '../support/project.js';

let project: Project;

beforeEach(async () => {
  project = await projectWith({ 'experiment.ts': experimentText() });
});

const submit = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  metalab(['submit', 'experiment.ts', ...args], { cwd: project.folder, env });

describe('a command line is refused', () => {
  test('that has no file, an unknown option or command, or an impossible value', async () => {
    const wrong = [
      [['submit'], "missing required argument 'file'"],
      [['submit', 'experiment.ts', '--slotz', '2'], "unknown option '--slotz'"],
      [['sumbit', 'experiment.ts'], 'Did you mean submit?'],
      [
        ['submit', 'experiment.ts', '--slots', '0'],
        '--slots: is "0"\n  expected: a whole number from 1 to 1000',
      ],
    ] as const;
    for (const [args, message] of wrong) {
      const { code, stderr, stdout } = await metalab(args, { cwd: project.folder });
      expect(stderr).toContain(message);
      expect(stdout).toBe('');
      expect(code).toBe(2);
    }
  });

  test('whose prefix is unknown, ambiguous or too short, with what there is', async () => {
    const more = ['earth', 'east'].map(
      (name) => `export const ${name} = experiment({ ...base, name: '${name}' });`,
    );
    await project.write({ 'experiment.ts': experimentText({ after: more.join('\n') }) });
    await submit(['--name', 'e']);
    await submit(['--name', 'earth']);
    await submit(['--name', 'east']);
    const refused = async (args: readonly string[]) => {
      const { code, stderr } = await metalab(args, { cwd: project.folder });
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused(['results', 'mars'])).toMatch(/there is no experiment 'mars'/);
    expect(await refused(['results', 'mars'])).toMatch(/\n {4}e:1\n {4}earth:1\n {4}east:1\n/);
    expect(await refused(['status', 'ea'])).toMatch(/'ea' could be 2 experiments/);
    expect(await refused(['status', 'ea'])).toMatch(/\n {4}earth:1\n {4}east:1\n/);
    expect(await refused(['show', 'ab'])).toMatch(/'ab' is too short to name a run\n.*at least the first 4/);
    expect(await refused(['logs', 'zzzz'])).toMatch(/there is no run 'zzzz'[\s\S]*next: metalab results/);
    // An exact id or name wins over a longer one that begins so.
    for (const exact of ['e:1', 'e'])
      expect((await metalab(['results', exact], { cwd: project.folder })).code).toBe(0);
  });
});

describe('a store is refused with exit code 3', () => {
  const refusedStore = async (store: string, message: RegExp) => {
    const { code, stdout, stderr } = await submit(['--store', store]);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(code).toBe(3);
  };

  test('that can not be written', async () => {
    // Nothing is read-only to root, but /sys.
    const isRoot = process.getuid?.() === 0;
    const place = isRoot ? '/sys/metalab' : project.path('locked/store');
    if (!isRoot) {
      await mkdir(project.path('locked'));
      await chmod(project.path('locked'), 0o555);
    }
    await refusedStore(place, /(permission denied|read-only)\n {2}next: .*name .*store.*--store/);
  });

  test('that is a file, or lies below one', async () => {
    await refusedStore(
      project.path('experiment.ts'),
      /experiment\.ts: is a file, not a folder\n {2}next: .*--store/,
    );
    await refusedStore(project.path('experiment.ts/below'), /a part of the path is a file, not a folder/);
  });

  test('that is a folder with other files in it', () =>
    refusedStore(
      project.folder,
      /holds other things: "experiment\.ts"[\s\S]*an empty folder[\s\S]*--store ".*metalab"/,
    ));

  test('of a newer scheme, by every command', async () => {
    const content = '{"id":"0123456789abcdef","scheme":99,"created_at":"2050-01-01T00:00:00.000Z"}';
    await project.write({ 'experiments/store.json': content });
    const message =
      /experiments: the store is of scheme 99\n {2}expected: scheme 1 or older[\s\S]*next: upgrade metalab/;
    await refusedStore(project.store, message);
    for (const args of [['list'], ['status'], ['results', 'e'], ['submit', 'experiment.ts', '--dry-run']]) {
      const { code, stderr } = await metalab(args, { cwd: project.folder });
      expect(stderr).toMatch(message);
      expect(code).toBe(3);
    }
  });

  test('that is broken, or does not exist for a reading command', async () => {
    await project.write({ 'experiments/store.json': '{"id":' });
    await refusedStore(project.store, /store\.json: is not JSON[\s\S]*next: restore the file from a copy/);
    const { code, stderr } = await metalab(['list', '--store', project.path('nowhere')]);
    expect(stderr).toMatch(/nowhere: there is no store here\n {2}next: .*metalab submit/);
    expect(code).toBe(3);
    expect(existsSync(project.path('nowhere'))).toBe(false);
  });
});

describe('Temporal', () => {
  let engine: ReturnType<typeof temporaryEngine>;
  beforeEach(() => {
    engine = temporaryEngine();
    onTestFinished(() => engine.remove());
  });

  test('that does not answer at TEMPORAL_ADDRESS is named in the error, and nothing is left behind', async () => {
    const { code, stdout, stderr } = await submit([], { ...engine.env, TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(stderr).toContain(
      'TEMPORAL_ADDRESS (127.0.0.1:1): no Temporal server could be reached at 127.0.0.1:1',
    );
    expect(stderr).toMatch(
      /expected: the Temporal server that this setting names\n {2}next: start that server/,
    );
    expect(stdout).toBe('');
    expect(code).toBe(3);
    expect(existsSync(project.store)).toBe(false);
  });

  test('that exits at its start is reported with the end of its output', async () => {
    await project.write({ temporal: '#!/bin/sh\necho "no space on any device" >&2\nexit 1\n' });
    await chmod(project.path('temporal'), 0o755);
    const { code, stderr } = await submit([], { ...engine.env, METALAB_TEMPORAL: project.path('temporal') });
    expect(stderr).toMatch(/temporal: the Temporal server ended while starting[\s\S]*no space on any device/);
    expect(stderr).toMatch(/next: see .*server\.log/);
    expect(code).toBe(3);
  });

  test('whose requested port is in use is refused, naming the process that has it', async () => {
    const holder = createServer().listen({ host: '127.0.0.1', port: 0 });
    await once(holder, 'listening');
    onTestFinished(() => void holder.close());
    const { port } = holder.address() as { port: number };
    const { code, stderr } = await submit([], { ...engine.env, METALAB_PORT: String(port) });
    expect(stderr).toMatch(new RegExp(`METALAB_PORT: port ${port} is in use by .*pid ${process.pid}`));
    expect(stderr).toContain('next: ');
    expect(code).toBe(3);
  });

  test('that allows no new search attributes executes the runs, and the doctor warns', async () => {
    const address = await serverWithoutRoomForAttributes();
    const env = { ...engine.env, TEMPORAL_ADDRESS: address };
    const { code, outcome } = await submitJson(['experiment.ts'], { cwd: project.folder, env });
    expect(outcome).toMatchObject({ total: 3, success: 3 });
    expect(code).toBe(0);
    const doctor = await metalab(['doctor'], { cwd: project.folder, env });
    expect(doctor.stdout).toMatch(
      /warn search attributes: missing in namespace default, and may not be created/,
    );
    expect(doctor.stdout).toMatch(
      /next: ask an administrator to run `temporal operator search-attribute create/,
    );
  });
});

/** A user's own server, whose store has room for three attributes of type Int: they are taken. */
async function serverWithoutRoomForAttributes(): Promise<string> {
  const holder = createServer().listen({ host: '127.0.0.1', port: 0 });
  await once(holder, 'listening');
  const { port } = holder.address() as { port: number };
  await new Promise((resolve) => holder.close(resolve));
  const taken = ['One', 'Two', 'Three'].flatMap((name) => ['--search-attribute', `${name}=Int`]);
  const server = spawn(
    findTemporalCli()!.path,
    [
      'server',
      'start-dev',
      '--ip',
      '127.0.0.1',
      '--port',
      String(port),
      '--headless',
      '--log-level',
      'never',
      ...taken,
    ],
    { stdio: 'ignore' },
  );
  onTestFinished(async () => {
    server.kill();
    if (server.exitCode === null) await once(server, 'exit');
  });
  while (!(await answers(port))) await sleep(50);
  return `127.0.0.1:${port}`;
}
