import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findTemporalCli, obtainTemporalCli } from '../../src/engine/server/temporal-cli.js';

let folder: string;
let env: { [name: string]: string };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "metalab finder's "));
  // Where nothing listens: the real download would make these tests depend on the network.
  env = {
    PATH: join(folder, 'bin'),
    METALAB_CACHE: join(folder, 'cache'),
    METALAB_TEMPORAL_DOWNLOAD: 'http://127.0.0.1:1',
  };
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function executable(path: string, text = 'exit 0'): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('the Temporal CLI is looked for', () => {
  test('in METALAB_TEMPORAL, then on PATH, then in the cache folder', () => {
    expect(findTemporalCli(env)).toBeUndefined();
    const cached = executable(join(folder, 'cache', 'temporal'));
    expect(findTemporalCli(env)).toEqual({ path: cached, source: 'cache' });
    const onPath = executable(join(folder, 'bin', 'temporal'));
    expect(findTemporalCli(env)).toEqual({ path: onPath, source: 'PATH' });
    const named = executable(join(folder, 'elsewhere', 'my-temporal'));
    expect(findTemporalCli({ ...env, METALAB_TEMPORAL: named })).toEqual({
      path: named,
      source: 'METALAB_TEMPORAL',
    });
  });

  test('not in folders of that name, nor in files that may not be executed', () => {
    mkdirSync(join(folder, 'bin', 'temporal'), { recursive: true });
    mkdirSync(join(folder, 'cache'));
    writeFileSync(join(folder, 'cache', 'temporal'), 'text');
    expect(findTemporalCli(env)).toBeUndefined();
  });

  test('nowhere else where METALAB_TEMPORAL names none', () => {
    executable(join(folder, 'bin', 'temporal'));
    expect(() => findTemporalCli({ ...env, METALAB_TEMPORAL: join(folder, 'none') })).toThrow(
      /METALAB_TEMPORAL: .*none is not an executable file/,
    );
  });
});

describe('the Temporal CLI is got', () => {
  let mirror: Server | undefined;

  afterEach(() => new Promise<void>((resolve) => (mirror ? mirror.close(() => resolve()) : resolve())));

  /** Answers as temporal.download does, with an archive that holds a shell script. */
  async function startMirror(): Promise<string> {
    executable(join(folder, 'packed', 'temporal'), 'echo downloaded');
    const archive = spawnSync('tar', ['-czf', '-', '-C', join(folder, 'packed'), 'temporal']).stdout;
    const server = createServer((request, response) => {
      const base = `http://${request.headers.host}`;
      const info = { archiveUrl: `${base}/archive.tar.gz`, fileToExtract: 'temporal' };
      const known = /^\/cli\/v1\.5\.1\?platform=(linux|darwin)&arch=(amd64|arm64)&format=tar\.gz$/.test(
        request.url ?? '',
      );
      if (request.url === '/archive.tar.gz') response.end(archive);
      else response.writeHead(known ? 200 : 404).end(JSON.stringify(info));
    });
    mirror = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  test('by download, once for all who ask at the same time', async () => {
    const said: string[] = [];
    const options = {
      env: { ...env, PATH: process.env.PATH!, METALAB_TEMPORAL_DOWNLOAD: await startMirror() },
      say: said.push.bind(said),
    };
    options.env.PATH = options.env.PATH.split(':')
      .filter((part) => !findTemporalCli({ PATH: part, METALAB_CACHE: folder }))
      .join(':');
    const found = await Promise.all([1, 2, 3].map(() => obtainTemporalCli(options)));
    expect(found.map(({ source }) => source).sort()).toEqual(['cache', 'cache', 'download']);
    expect(spawnSync(found[0]!.path, { encoding: 'utf8' }).stdout).toBe('downloaded\n');
    expect(said.filter((line) => line.startsWith('downloading the Temporal CLI v1.5.1'))).toHaveLength(1);
    expect(readdirSync(join(folder, 'cache'))).toEqual(['temporal']);
  });

  test('by go install where there is Go and no download', async () => {
    executable(
      join(folder, 'bin', 'go'),
      'case $1 in install) echo "#!/bin/sh" > "$GOBIN/temporal"; /bin/chmod +x "$GOBIN/temporal";; esac',
    );
    const said: string[] = [];
    const cli = await obtainTemporalCli({ env, say: (line) => said.push(line) });
    expect(cli).toEqual({ path: join(folder, 'cache', 'temporal'), source: 'go install' });
    expect(said).toEqual(['installing the Temporal CLI v1.5.1 with go install (about four minutes, once) …']);
    expect(readdirSync(join(folder, 'cache'))).toEqual(['temporal']);
  });

  test('or one error says why each way failed, and what to install', async () => {
    executable(join(folder, 'bin', 'go'), 'if [ $1 = install ]; then echo "no such module" >&2; exit 1; fi');
    const error: unknown = await obtainTemporalCli({ env }).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain('download: 127.0.0.1:1');
    expect(String(error)).toContain('go install: no such module');
    expect(String(error)).toContain('https://docs.temporal.io/cli');
    expect(readdirSync(join(folder, 'cache'))).toEqual([]);
  });
});
