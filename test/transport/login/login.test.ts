import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MetalabError } from '../../../src/definition/errors.js';
import { ownerName } from '../../../src/storage/file/owner.js';
import { LoginServer } from '../../../src/transport/login/login-server.js';
import {
  loginThroughWorker,
  loginThroughWorkers,
} from '../../../src/transport/login/login-through-worker.js';
import type { LoginRequest } from '../../../src/transport/login/messages.js';
import type { Prompter } from '../../../src/transport/prompter.js';
import { makeKey } from '../../rig/sshd.mjs';
import { ScriptedPerson } from '../prompter.js';
import { InteractiveServer } from '../ssh/interactive-server.js';
import { Scratch } from '../ssh/scratch.js';

describe('logging in through a worker', { timeout: 180_000 }, () => {
  let folder: string;
  let server: LoginServer | undefined;
  const request = { environment: 'cluster', gateway: { host: 'gw', port: 7 } };
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'metalab-login-')), 'logins');
  });
  afterEach(async () => {
    await server?.close();
    rmSync(join(folder, '..'), { recursive: true, force: true });
  });

  it('removes the sockets of workers that were killed, and leaves those of other machines', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    mkdirSync(folder);
    const [place] = ownerName().split('-');
    for (const name of [`${place}-${dead}.sock`, `00000000-${dead}.sock`])
      writeFileSync(join(folder, name), '');
    server = await LoginServer.open({ folder, onLogin: async () => {} });
    expect(readdirSync(folder).sort()).toEqual([`00000000-${dead}.sock`, `${ownerName()}.sock`].sort());
  });

  it('asks the person at the command line what the gateway asks the worker', async () => {
    const gateway = await InteractiveServer.start(join(folder, '..'), { code: '4711' });
    const transport = gateway.connect({ environment: 'cluster' });
    const requests: unknown[] = [];
    server = await LoginServer.open({
      folder,
      onLogin: async (asked, prompter) => {
        requests.push(asked);
        await transport.login(prompter);
      },
    });
    await expect(transport.run(['x'])).rejects.toMatchObject({ code: 'METALAB_TRANSPORT_LOGIN' });
    const person = new ScriptedPerson('wrong', '4711');
    expect(await loginThroughWorkers(folder, request, person)).toBe(1);
    expect(requests).toMatchObject([request]);
    expect(person.texts).toEqual(['Verification code: ', 'Verification code: ']);
    expect((await transport.run(['x'])).stdout).toBe('ran');
    expect(await loginThroughWorkers(folder, request, new ScriptedPerson())).toBe(1);
    await gateway.close();
  });

  it('unlocks a key of a real sshd, and tells why it could not', async () => {
    const scratch = new Scratch();
    const sshd = await scratch.start();
    const locked = scratch.path('locked');
    makeKey(locked, 'ed25519', 'secret');
    writeFileSync(
      join(sshd.folder, 'authorized_keys'),
      (await import('node:fs')).readFileSync(`${locked}.pub`),
    );
    const transport = scratch.connect(sshd, { ssh_key: locked });
    server = await LoginServer.open({ folder, onLogin: (_, prompter) => transport.login(prompter) });
    await expect(
      loginThroughWorkers(folder, request, new ScriptedPerson('no', 'no', 'no')),
    ).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_LOGIN',
      where: expect.stringContaining('@127.0.0.1'),
    });
    await loginThroughWorkers(folder, request, new ScriptedPerson('secret'));
    expect((await transport.run(['echo', 'in'])).stdout).toBe('in\n');
    await scratch.close();
  });

  it('is for its owner only, and leaves nothing', async () => {
    server = await LoginServer.open({ folder, onLogin: async () => {} });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(server.socketPath).mode & 0o777).toBe(0o600);
    await server.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives up on a worker that is frozen, and says how to replace it', async () => {
    mkdirSync(folder);
    const path = join(folder, 'frozen.sock');
    const frozen = createServer(() => {});
    await new Promise<void>((listens) => frozen.listen(path, listens));
    await expect(loginThroughWorker(path, request, new ScriptedPerson(), 300)).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_TIMEOUT',
      message: expect.stringContaining('metalab engine stop'),
    });
    frozen.close();
  });

  it('passes workers that have gone, and says how many there were', async () => {
    expect(await loginThroughWorkers(folder, request, new ScriptedPerson())).toBe(0);
    server = await LoginServer.open({ folder, onLogin: async () => {} });
    const left = join(folder, '1.sock');
    writeFileSync(left, '');
    expect(await loginThroughWorkers(folder, request, new ScriptedPerson())).toBe(1);
    expect(existsSync(left)).toBe(false);
  });

  it('goes on with the others after a worker that could not, and not once the person gives up', async () => {
    const servers: LoginServer[] = [];
    const tried: string[] = [];
    for (const name of ['first', 'second']) {
      const onLogin = async (_: LoginRequest, prompter: Prompter) => {
        tried.push(name);
        await prompter.ask([{ text: 'Code: ', echo: true }], 'logging in');
        if (tried.length === 1)
          throw new MetalabError({ code: 'METALAB_TRANSPORT_LOGIN', what: `${name} is locked out` });
      };
      const opened = await LoginServer.open({ folder, onLogin });
      servers.push(opened);
      // Named by the process, which is one worker elsewhere.
      renameSync(opened.socketPath, join(folder, `${name}.sock`));
    }
    await expect(loginThroughWorkers(folder, request, new ScriptedPerson('1', '2'))).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_LOGIN',
      what: expect.stringMatching(/^(first|second) is locked out$/),
    });
    expect([...tried].sort()).toEqual(['first', 'second']);
    await expect(loginThroughWorkers(folder, request, new ScriptedPerson())).rejects.toThrow(/nobody knows/);
    expect(tried).toHaveLength(3);
    for (const each of servers) await each.close();
  });

  it('tells the worker when the person gives up', async () => {
    let heard: unknown;
    server = await LoginServer.open({
      folder,
      onLogin: async (_, prompter) => {
        await prompter.ask([{ text: 'Code: ', echo: true }], 'logging in').catch((error) => {
          heard = error;
        });
      },
    });
    await expect(loginThroughWorker(server.socketPath, request, new ScriptedPerson())).rejects.toThrow(
      /nobody knows/,
    );
    await expect.poll(() => String(heard), { timeout: 60_000 }).toMatch(/has left/);
  });
});
