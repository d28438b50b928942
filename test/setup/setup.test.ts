import { execFile, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..', '..');
const run = promisify(execFile);

let clone: string;

/** The set-up script in a project without dependencies, whose build counts how often it ran. */
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "metalab clone's "));
  for (const part of [
    'scripts/setup.mjs',
    'scripts/setup',
    'src/engine/lock.mjs',
    'src/engine/process-start.mjs',
    'src/services/postgres/find-programs.mjs',
  ]) {
    cpSync(join(root, part), join(clone, part), { recursive: true });
  }
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const description = { name: 'small', version: '1.0.0', type: 'module', engines };
  writeFileSync(join(clone, 'package.json'), JSON.stringify(description));
  const lock = { ...description, lockfileVersion: 3, packages: { '': description } };
  writeFileSync(join(clone, 'package-lock.json'), JSON.stringify(lock));
  writeFileSync(
    join(clone, 'scripts', 'build.mjs'),
    `import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
     do await new Promise((resolve) => setTimeout(resolve, 300)); while (existsSync('hold'));
     mkdirSync('dist', { recursive: true });
     writeFileSync('dist/build-id', 'x');
     appendFileSync('built', 'x');`,
  );
});

afterEach(() => rmSync(clone, { recursive: true, force: true }));

const setUp = (parts: string[], env: NodeJS.ProcessEnv = process.env) =>
  run(process.execPath, [join(clone, 'scripts', 'setup.mjs'), ...parts], { env });
const builds = () => readFileSync(join(clone, 'built'), 'utf8').length;

describe('set-up', { timeout: 180_000 }, () => {
  test('does each part once, with a line for each long step, and then nothing', async () => {
    const first = await setUp(['build', 'deps']);
    expect(first.stderr).toMatch(/installing dependencies with npm …[\s\S]*building metalab …/);
    const second = await setUp(['deps', 'build']);
    expect(second.stdout + second.stderr).toBe('');
    expect(builds()).toBe(1);
  });

  test('builds again when a source has changed', async () => {
    await setUp(['build']);
    appendFileSync(join(clone, 'src', 'engine', 'lock.mjs'), '\n');
    await setUp(['build']);
    expect(builds()).toBe(2);
  });

  test('run twice at the same time does the work once', async () => {
    // The build lasts until the other waits for it, however late that one comes.
    writeFileSync(join(clone, 'hold'), '');
    const running = [setUp(['build']), setUp(['build'])];
    for (const { child } of running)
      child.stderr?.on('data', (text) => {
        if (String(text).includes('waiting for another')) rmSync(join(clone, 'hold'), { force: true });
      });
    const both = await Promise.all(running);
    expect(
      both.filter(({ stderr }) => stderr.includes('waiting for another set-up of this clone (pid')),
    ).toHaveLength(1);
    expect(builds()).toBe(1);
  });

  test('goes on where a set-up was killed in the middle', async () => {
    const killed = spawnSync(process.execPath, [join(clone, 'scripts', 'setup.mjs'), 'build'], {
      timeout: 200,
      killSignal: 'SIGKILL',
    });
    expect(killed.signal).toBe('SIGKILL');
    await setUp(['build']);
    expect(builds()).toBeGreaterThanOrEqual(1);
  });

  test('says which parts there are, and that the Temporal CLI needs a build', async () => {
    await expect(setUp(['everything'])).rejects.toMatchObject({
      code: 1,
      stderr:
        'setup: unknown part everything\n  expected: some of deps, build, temporal, tests, slurm, python, temporal-server\n',
    });
    await expect(setUp(['temporal'])).rejects.toMatchObject({
      stderr: expect.stringContaining('needs a build'),
    });
  });

  test('refuses a Node that package.json does not allow', async () => {
    const description = JSON.parse(readFileSync(join(clone, 'package.json'), 'utf8'));
    writeFileSync(
      join(clone, 'package.json'),
      JSON.stringify({ ...description, engines: { node: '^18.0.0 || >=99.1.0' } }),
    );
    await expect(setUp(['build'])).rejects.toMatchObject({
      stderr: expect.stringMatching(
        /Node \d+\S+ is too old[\s\S]*expected: \^18\.0\.0 \|\| >=99\.1\.0\n {2}next: /,
      ),
    });
    expect(existsSync(join(clone, 'built'))).toBe(false);
  });

  describe('of the production Temporal server', () => {
    const cache = () => join(clone, 'cache');
    /** Go, as far as set-up asks it, on this machine's PATH. */
    const withGo = (install: string) => {
      const bin = join(clone, 'bin');
      mkdirSync(bin);
      const script = `#!/bin/sh\n[ "$1" = install ] || exit 0\necho "$@" >> '${clone.replaceAll("'", "'\\''")}/asked'\n${install}\n`;
      writeFileSync(join(bin, 'go'), script, { mode: 0o755 });
      for (const layer of ['access', 'definition', 'engine'])
        cpSync(join(root, 'dist', layer), join(clone, 'dist', layer), { recursive: true });
      return { ...process.env, PATH: `${bin}:${process.env.PATH}`, METALAB_CACHE: cache() };
    };

    test('builds both of its programs at once, once, into the cache folder', async () => {
      const env = withGo('sleep 0.3; touch "$GOBIN/server" "$GOBIN/sql"');
      await Promise.all([setUp(['temporal-server'], env), setUp(['temporal-server'], env)]);
      expect(readFileSync(join(clone, 'asked'), 'utf8')).toMatch(
        /^install .*go\.temporal\.io\/server\/cmd\/server@v(\S+) go\.temporal\.io\/server\/cmd\/tools\/sql@v\1\n$/,
      );
      const [folder, ...others] = readdirSync(cache());
      expect(others).toEqual([]);
      expect(readdirSync(join(cache(), folder!)).sort()).toEqual(['server', 'sql']);
      expect((await setUp(['temporal-server'], env)).stderr).toBe('');
    });

    test('that fails leaves nothing behind', async () => {
      const env = withGo('touch "$GOBIN/server"; exit 1');
      await expect(setUp(['temporal-server'], env)).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/`go install .*` ended with exit code 1/),
      });
      expect(readdirSync(cache())).toEqual([]);
    });
  });

  test.runIf(process.getuid?.() === 0 && existsSync('/usr/bin/apt-get'))(
    'gets what only tests need from Debian',
    async () => {
      const bin = join(clone, 'bin');
      mkdirSync(bin);
      for (const command of [
        'git',
        'jq',
        'unshare',
        'mount',
        'faketime',
        'sshd',
        'ssh-keygen',
        'ssh-agent',
        'tcsh',
        'fish',
        'strace',
        'zstd',
        'openssl',
      ])
        symlinkSync('/bin/true', join(bin, command));
      writeFileSync(
        join(bin, 'apt-get'),
        `#!/bin/sh\n/bin/echo "$@" >> '${join(clone, 'asked').replaceAll("'", "'\\''")}'\n/bin/ln -sf /bin/true "${bin}/tmux"\n`,
      );
      chmodSync(join(bin, 'apt-get'), 0o755);
      await setUp(['tests'], { PATH: bin });
      expect(readFileSync(join(clone, 'asked'), 'utf8')).toBe(
        'update -qq\n-o DPkg::Lock::Timeout=600 install -y -qq --no-install-recommends tmux\n',
      );
    },
  );
});
