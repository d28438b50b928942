import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serveAtlas } from '../../src/atlas/serve.js';
import { keepToken } from '../../src/atlas/token-file.js';
import { summarizeExperiments } from '../../src/results/summaries.js';
import { makeSampleStore, OTHER, SAMPLE } from '../../src/testing/sample-store.js';

const TOKEN = 'a-token-that-is-long-enough';
const BEARER = { authorization: `Bearer ${TOKEN}` };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "metalab atlas's "));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function serve(store: string) {
  const lines: string[] = [];
  const server = await serveAtlas({
    store,
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    say: (line) => lines.push(line),
  });
  onTestFinished(() => server.close());
  const ask = async (path: string, init?: RequestInit) => {
    const response = await fetch(`${server.url}${path}`, init);
    return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
  };
  return { url: server.url, lines, ask };
}

/** With headers that `fetch` does not let one choose. */
function statusOf(url: string, headers: { readonly [name: string]: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    asked.on('error', reject).end();
  });
}

test('it lists the experiments of a store, with the facts of their manifests and the counts that metalab list prints', async () => {
  const store = await makeSampleStore(join(temporaryFolder(), 'store'));
  const { ask } = await serve(store.root);
  const { status, body, headers } = await ask('/api/experiments', { headers: BEARER });
  expect(status).toBe(200);
  expect(headers.get('cache-control')).toBe('no-store');
  const summaries = await summarizeExperiments(store);
  const manifests = await Promise.all(
    summaries.map(({ experiment_id }) => store.readManifest(experiment_id)),
  );
  expect(summaries.map(({ experiment_id }) => experiment_id).sort()).toEqual([OTHER, SAMPLE]);
  expect(body).toEqual({
    store: store.uri,
    experiments: summaries.map(({ experiment_id, runs, older, damaged, submissions }, at) => {
      const { name, version, description, tags, environment, metalab_version, git, submitted_at, totals } =
        manifests[at]!;
      return {
        ...{ experiment_id, name, version, description, tags, environment, metalab_version, submitted_at },
        git: git && { commit: git.commit, dirty: git.dirty },
        ...{ submissions, cells: totals.cells, runs, older, damaged },
      };
    }),
  });
});

test('without the token it only answers that it is running', async () => {
  const store = await makeSampleStore(join(temporaryFolder(), 'store'));
  const { ask, lines } = await serve(store.root);
  expect(await ask('/api/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
  for (const path of ['/api/experiments', '/', '/api/experiments?token=wrong', '/api/other']) {
    const { status, body } = await ask(path, { headers: path === '/' ? { cookie: 'metalab-atlas=x' } : {} });
    expect(status, path).toBe(401);
    expect(body).toMatchObject({ error: { code: 'METALAB_ATLAS_TOKEN' } });
    expect(JSON.stringify(body)).not.toMatch(/sample|store/);
  }
  const asked = await ask(`/api/experiments?token=${TOKEN}`);
  expect(asked.status).toBe(200);
  const cookie = asked.headers.get('set-cookie')!;
  expect(cookie).toMatch(/^metalab-atlas-[0-9a-f]{8}=.*; Path=\/; HttpOnly; SameSite=Strict$/);
  expect(await ask('/api/experiments', { headers: { cookie: cookie.split(';')[0]! } })).toMatchObject({
    status: 200,
  });
  expect(lines.some((line) => line.startsWith('GET /api/experiments 200'))).toBe(true);
  expect(lines.join('\n')).not.toContain(TOKEN);
});

test('a page of another site, whose name leads to this machine, gets nothing', async () => {
  const { url } = await serve(join(temporaryFolder(), 'none'));
  expect(await statusOf(`${url}/api/experiments`, { ...BEARER, host: 'evil.example' })).toBe(403);
  expect(await statusOf(`${url}/api/health`, { host: 'evil.example:8000' })).toBe(403);
  expect(await statusOf(`${url}/api/experiments`, { ...BEARER, host: 'localhost:4711' })).toBe(200);
  expect(await statusOf(`${url}/api/experiments`, { ...BEARER, host: '[::1]:4711' })).toBe(200);
});

test('all else is refused as JSON', async () => {
  const folder = temporaryFolder();
  const { ask } = await serve(join(folder, 'none'));
  expect(await ask('/api/experiments', { headers: BEARER })).toMatchObject({
    status: 200,
    body: { store: join(folder, 'none'), experiments: [] },
  });
  expect(await ask('/api/../../etc/passwd', { headers: BEARER })).toMatchObject({
    status: 404,
    body: { error: { what: 'there is no GET /etc/passwd' } },
  });
  expect(await ask('/api/experiments', { method: 'POST', headers: BEARER })).toMatchObject({ status: 404 });
  const gone = await serve('postgresql://nobody@127.0.0.1:1/none');
  expect(await gone.ask('/api/experiments', { headers: BEARER })).toMatchObject({
    status: 503,
    body: { error: { code: 'METALAB_INDEX_UNREACHABLE', next: expect.any(String) } },
  });
  expect(await gone.ask('/api/health')).toMatchObject({ status: 200 });
});

test('its token is made once, and refused where others can read it', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'token');
  const token = keepToken(file);
  expect(token.length).toBeGreaterThanOrEqual(32);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, 'utf8')).toBe(`${token}\n`);
  expect(keepToken(file)).toBe(token);
  chmodSync(file, 0o644);
  expect(() => keepToken(file)).toThrow('other users can read or write it (mode 644)');
  mkdirSync(join(folder, 'short'));
  writeFileSync(join(folder, 'short', 'token'), 'abc\n', { mode: 0o600 });
  expect(() => keepToken(join(folder, 'short', 'token'))).toThrow('it has 3 characters');
});
