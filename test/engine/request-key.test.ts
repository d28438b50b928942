import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadRequestKey } from '../../src/engine/request-key.js';
import { ROOT } from '../support/metalab.js';

const ENGINE = { userProvided: false };
const SERVER = { userProvided: true };

let home: string;
let shared: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "metalab key's "));
  shared = join(home, 'shared');
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const file = () => join(home, 'key');
const load = (target = ENGINE, env = {}) => loadRequestKey(target, { METALAB_HOME: home, ...env });

describe("the engine's key", () => {
  test('is made once, whatever umask, and only its owner can read it', async () => {
    const { key, taskQueue } = await load();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(taskQueue).toBe(`metalab-${key.fingerprint}`);
    expect(readFileSync(file(), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await load()).key.fingerprint).toBe(key.fingerprint);
  });

  test('is the same for all processes that make it at the same moment', async () => {
    const program = `import(${JSON.stringify(join(ROOT, 'dist/engine/request-key.js'))}).then(async ({ loadRequestKey }) =>
      console.log((await loadRequestKey({ userProvided: false })).taskQueue))`;
    const outputs = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const child = spawn(process.execPath, ['-e', program], {
          env: { ...process.env, METALAB_HOME: home },
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        let output = '';
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
        await once(child, 'close');
        return output.trim();
      }),
    );
    expect(new Set(outputs)).toEqual(new Set([(await load()).taskQueue]));
  });

  test.each([0o640, 0o604, 0o622])('with mode %o is refused: others may have it', async (mode) => {
    await load();
    chmodSync(file(), mode);
    await expect(load()).rejects.toMatchObject({ code: 'METALAB_KEY', where: file() });
    await expect(load()).rejects.toThrow(/other users can read or write it \(mode 06/);
  });

  test('that is cut short is refused', async () => {
    writeFileSync(file(), '', { mode: 0o600 });
    await expect(load()).rejects.toThrow('it has 0 bytes');
  });

  test.skipIf(process.getuid?.() !== 0)('of another user is refused', async () => {
    await load();
    chownSync(file(), 65534, 65534);
    await expect(load()).rejects.toThrow('it belongs to another user (uid 65534)');
  });

  test('is the one that is used on its own server, whatever is set for others', async () => {
    const { taskQueue } = await load();
    const env = { METALAB_KEY_FILE: shared, METALAB_TRUST_SERVER: '1' };
    expect(await load(ENGINE, env)).toMatchObject({ taskQueue, trustsServer: false });
  });
});

describe("with a server of the user's own", () => {
  const secret = 'x'.repeat(32);

  test('METALAB_KEY_FILE names the key that its users share, also one that their group reads', async () => {
    writeFileSync(shared, `${secret}\n`, { mode: 0o640 });
    const other = join(home, 'copy');
    writeFileSync(other, secret, { mode: 0o600 });
    const { taskQueue } = await load(SERVER, { METALAB_KEY_FILE: shared });
    expect((await load(SERVER, { METALAB_KEY_FILE: other })).taskQueue).toBe(taskQueue);
    expect((await load(SERVER)).taskQueue).not.toBe(taskQueue);
  });

  test.each([
    ['is missing', undefined, 0, 'there is no such file'],
    ['is too short', 'secret\n', 0o600, 'it has only 6 bytes'],
    ['everybody can read', secret, 0o644, 'mode 0644'],
    ['its group can write', secret, 0o660, 'mode 0660'],
  ])('one that %s is refused', async (_, text, mode, words) => {
    if (text !== undefined) {
      writeFileSync(shared, text);
      chmodSync(shared, mode);
    }
    const loading = load(SERVER, { METALAB_KEY_FILE: shared });
    await expect(loading).rejects.toMatchObject({ code: 'METALAB_KEY', where: 'METALAB_KEY_FILE' });
    await expect(loading).rejects.toThrow(words);
  });

  test('METALAB_TRUST_SERVER gives all who trust it the same task queue, whatever their keys', async () => {
    const env = { METALAB_TRUST_SERVER: '1' };
    const trusting = await load(SERVER, env);
    expect(trusting).toMatchObject({ taskQueue: 'metalab-unsigned', trustsServer: true });
    await expect(load(SERVER, { METALAB_TRUST_SERVER: 'yes' })).rejects.toMatchObject({
      where: 'METALAB_TRUST_SERVER',
    });
  });
});
