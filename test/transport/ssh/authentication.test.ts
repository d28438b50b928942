import { execFileSync } from 'node:child_process';
import { appendFileSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeKey, type Sshd } from '../../rig/sshd.mjs';
import { ScriptedPerson } from '../prompter.js';
import { InteractiveServer } from './interactive-server.js';
import { Scratch } from './scratch.js';

describe('logging in', { timeout: 180_000 }, () => {
  let scratch: Scratch;
  let sshd: Sshd;
  let locked: string;
  let stranger: string;
  beforeAll(async () => {
    scratch = new Scratch();
    sshd = await scratch.start();
    locked = scratch.path('locked');
    makeKey(locked, 'ed25519', 'open sesame');
    appendFileSync(join(sshd.folder, 'authorized_keys'), readFileSync(`${locked}.pub`));
    stranger = scratch.path('stranger');
    makeKey(stranger);
  });
  afterAll(() => scratch.close());

  const env = (agent?: string) => ({ HOME: scratch.folder, ...(agent && { SSH_AUTH_SOCK: agent }) });
  const login = { code: 'METALAB_TRANSPORT_LOGIN' };

  describe('by keys', () => {
    it('asks for the passphrase of a key, again where it is wrong, and not again while it is connected', async () => {
      const prompter = new ScriptedPerson('wrong', 'open sesame');
      const transport = scratch.connect(sshd, { ssh_key: locked }, { prompter });
      for (let times = 0; times < 2; times++) await transport.run(['true']);
      expect(prompter.texts).toEqual([`Passphrase of ${locked}: `, `Passphrase of ${locked}: `]);
      expect(prompter.asked[0]?.prompts[0]?.echo).toBe(false);
      await transport.close();
    });

    it('says what was tried, and what to do, where nobody can be asked', async () => {
      const transport = scratch.connect(sshd, { ssh_key: locked }, { environment: 'cluster' });
      const error = await transport.run(['true']).catch((thrown: Error) => thrown);
      expect(error).toMatchObject(login);
      expect(String(error)).toMatch(
        /tried: .*locked \(needs its passphrase\)[\s\S]*next: metalab env login cluster$/,
      );
      await transport.close();
    });

    it('says which keys the host refused', async () => {
      const transport = scratch.connect(sshd, { ssh_key: stranger });
      await expect(transport.run(['true'])).rejects.toMatchObject({
        ...login,
        message: expect.stringMatching(/refused the login; tried: .*stranger/),
      });
      await transport.close();
    });

    it.each([['rsa'], ['ecdsa']])('logs in with a key of type %s', async (type) => {
      const key = scratch.path(type);
      makeKey(key, type);
      appendFileSync(join(sshd.folder, 'authorized_keys'), readFileSync(`${key}.pub`));
      const transport = scratch.connect(sshd, { ssh_key: key });
      expect((await transport.run(['echo', 'in'])).stdout).toBe('in\n');
      await transport.close();
    });

    it('uses the agent, the configured key first, however many others it has', async () => {
      const socket = scratch.path('agent');
      const started = execFileSync('ssh-agent', ['-a', socket, '-s'], { encoding: 'utf8' });
      const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]);
      try {
        for (let index = 0; index < 8; index++) {
          makeKey(scratch.path(`other-${index}`));
          execFileSync('ssh-add', ['-q', scratch.path(`other-${index}`)], { env: { SSH_AUTH_SOCK: socket } });
        }
        // The key itself is gone: only the agent has it, and its .pub says which one it is.
        const key = scratch.path('in agent');
        copyFileSync(sshd.key, key);
        execFileSync('ssh-add', ['-q', key], { env: { SSH_AUTH_SOCK: socket } });
        writeFileSync(key, readFileSync(locked));
        copyFileSync(`${sshd.key}.pub`, `${key}.pub`);
        const transport = scratch.connect(sshd, { ssh_key: key }, { env: env(socket) });
        expect((await transport.run(['echo', 'in'])).stdout).toBe('in\n');
        await transport.close();
        rmSync(`${key}.pub`);
      } finally {
        process.kill(pid);
      }
    });

    it('does without an agent that is not there any more', async () => {
      const transport = scratch.connect(sshd, {}, { env: env(scratch.path('no agent')) });
      expect((await transport.run(['echo', 'in'])).stdout).toBe('in\n');
      await transport.close();
    });
  });

  // sshd asks for codes through PAM, whose services are the machine's: this is what it says, by ssh2's own server.
  describe('by what a person types', () => {
    it('asks for a one-time code as the host words it', async () => {
      const server = await InteractiveServer.start(scratch.folder, { code: '123456' });
      const prompter = new ScriptedPerson('000000', '123456');
      const transport = server.connect({ prompter });
      expect((await transport.run(['hello'])).stdout).toBe('ran');
      expect(prompter.asked[1]).toMatchObject({
        prompts: [{ text: 'Verification code: ', echo: true }],
        what: expect.stringMatching(/^logging in to me@127.0.0.1:\d+\nTwo factors\nSee your phone$/),
      });
      await server.close();
    });

    it('asks for a password, and for a code after a key', async () => {
      const server = await InteractiveServer.start(scratch.folder, { password: 'pass word' });
      const prompter = new ScriptedPerson('pass word');
      expect((await server.connect({ prompter }).run(['x'])).stdout).toBe('ran');
      expect(prompter.asked[0]?.prompts).toEqual([
        { text: expect.stringMatching(/^Password of me@/), echo: false },
      ]);
      await server.close();

      const both = await InteractiveServer.start(scratch.folder, { code: '77', afterKey: true });
      const person = new ScriptedPerson('77');
      expect((await both.connect({ prompter: person }, sshd.key).run(['x'])).stdout).toBe('ran');
      expect(person.texts).toEqual(['Verification code: ']);
      await both.close();
    });

    it('says that somebody must log in, asks the host no more until then, and goes on once somebody has', async () => {
      const server = await InteractiveServer.start(scratch.folder, { code: '42' });
      const transport = server.connect({ environment: 'cluster' });
      const waiting = {
        ...login,
        message: expect.stringMatching(/asks for a password or a code[\s\S]*env login cluster/),
      };
      for (let times = 0; times < 3; times++)
        await expect(transport.run(['x'])).rejects.toMatchObject(waiting);
      expect(server.connections).toBe(1);
      await expect(transport.login(new ScriptedPerson())).rejects.toMatchObject({
        ...login,
        message: expect.stringContaining('given up: nobody knows what to answer'),
      });
      await transport.login(new ScriptedPerson('42'));
      expect((await transport.run(['x'])).stdout).toBe('ran');
      server.drop();
      await expect
        .poll(() => transport.run(['x']).catch((error) => error.code), { timeout: 60_000 })
        .toBe('METALAB_TRANSPORT_LOGIN');
      await server.close();
    });

    it('gives a person more time than a host', async () => {
      const server = await InteractiveServer.start(scratch.folder, { code: '42' });
      const person = new ScriptedPerson('42');
      const slow = {
        async ask(...question: Parameters<ScriptedPerson['ask']>) {
          await new Promise((resolve) => setTimeout(resolve, 2_500));
          return person.ask(...question);
        },
      };
      const transport = server.connect({ prompter: slow, connectTimeout_ms: 2_000 });
      expect((await transport.run(['x'])).stdout).toBe('ran');
      await server.close();
    });
  });
});
