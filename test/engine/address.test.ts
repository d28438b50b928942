import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { userServer } from '../../src/engine/address.js';
import { connectTemporal, resolveTemporal } from '../../src/engine/connect.js';
import { runDoctor } from '../../src/engine/doctor/index.js';
import { ensureServer, runningServer } from '../../src/engine/server/server.js';
import { temporaryEngine } from './temporary-engine.js';

let engine: ReturnType<typeof temporaryEngine>;

beforeEach(() => {
  engine = temporaryEngine();
});

afterEach(() => engine.remove());

function writeProfiles(text: string): void {
  mkdirSync(join(engine.folder, 'config', 'temporalio'), { recursive: true });
  writeFileSync(join(engine.folder, 'config', 'temporalio', 'temporal.toml'), text);
}

describe('the Temporal server to use', () => {
  test("is the engine's where nothing names another", async () => {
    expect(await userServer(engine.env)).toBeUndefined();
    expect(await userServer({ ...engine.env, TEMPORAL_ADDRESS: '' })).toBeUndefined();
    await expect(resolveTemporal({ env: engine.env, start: false })).rejects.toThrow(
      /engine is stopped[\s\S]*metalab engine start/,
    );
  });

  test('is what TEMPORAL_ADDRESS names, with namespace, API key and TLS', async () => {
    const env = {
      ...engine.env,
      TEMPORAL_ADDRESS: 'lab.tmprl.cloud:7233',
      TEMPORAL_NAMESPACE: 'lab',
      TEMPORAL_API_KEY: 'k',
    };
    expect(await userServer(env)).toEqual({
      address: 'lab.tmprl.cloud:7233',
      namespace: 'lab',
      source: 'TEMPORAL_ADDRESS',
      connectionOptions: { address: 'lab.tmprl.cloud:7233', apiKey: 'k', tls: true },
      uiAddress: 'https://cloud.temporal.io/namespaces/lab',
    });
  });

  test.runIf(process.platform === 'linux')(
    'is what a profile of the Temporal config file names',
    async () => {
      writeProfiles(
        '[profile.default]\naddress = "one:7233"\n[profile.prod]\naddress = "two:7233"\nnamespace = "p"\n',
      );
      expect(await userServer(engine.env)).toMatchObject({ address: 'one:7233', namespace: 'default' });
      const chosen = await userServer({ ...engine.env, TEMPORAL_PROFILE: 'prod' });
      expect(chosen).toMatchObject({ address: 'two:7233', namespace: 'p' });
      expect(chosen?.source).toContain('profile prod of');
    },
  );

  test.runIf(process.platform === 'linux')(
    'is an error where the profile or the file is no good',
    async () => {
      writeProfiles('[profile.empty]\nnamespace = "x"\n');
      await expect(userServer({ ...engine.env, TEMPORAL_PROFILE: 'none' })).rejects.toThrow(
        /TEMPORAL_PROFILE=none[\s\S]*not found/,
      );
      await expect(userServer({ ...engine.env, TEMPORAL_PROFILE: 'empty' })).rejects.toThrow(
        /has no address/,
      );
      writeProfiles('[profile.default');
      await expect(userServer(engine.env)).rejects.toMatchObject({ code: 'METALAB_TEMPORAL_CONFIG' });
    },
  );
});

describe("a server of the user's own", { timeout: 180_000 }, () => {
  test('that is not there is an error that names the address and what named it', async () => {
    const env = { ...engine.env, TEMPORAL_ADDRESS: '127.0.0.1:1' };
    await expect(connectTemporal({ env })).rejects.toMatchObject({
      code: 'METALAB_TEMPORAL_UNREACHABLE',
      where: 'TEMPORAL_ADDRESS (127.0.0.1:1)',
      next: expect.stringContaining('unset it'),
    });
    expect(runningServer(engine.env)).toBeUndefined();
    const check = (await runDoctor({ env, build: 'a' })).find(({ name }) => name === 'temporal server');
    expect(check).toMatchObject({ ok: false, detail: expect.stringContaining('127.0.0.1:1') });
  });

  test('is used with its search attributes, or is an error where its namespace is missing', async () => {
    const theirs = temporaryEngine();
    try {
      const { address } = await ensureServer({ env: theirs.env });
      const env = { ...engine.env, TEMPORAL_ADDRESS: address };
      const { connection, ...temporal } = await connectTemporal({ env });
      await connection.close();
      expect(temporal).toMatchObject({
        address,
        userProvided: true,
        searchAttributes: true,
        source: 'TEMPORAL_ADDRESS',
      });
      expect(runningServer(engine.env)).toBeUndefined();
      await expect(connectTemporal({ env: { ...env, TEMPORAL_NAMESPACE: 'absent' } })).rejects.toThrow(
        /namespace absent/,
      );
    } finally {
      await theirs.remove();
    }
  });
});
