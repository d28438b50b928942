import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.js';

describe('a connection', { timeout: 180_000 }, () => {
  let scratch: Scratch;
  beforeEach(() => {
    scratch = new Scratch();
  });
  afterEach(() => scratch.close());

  it('is one for all who use the gateway, until the last of them closes it', async () => {
    const sshd = await scratch.start();
    const [one, other] = [scratch.connect(sshd), scratch.connect(sshd)];
    const port = async (transport: typeof one) =>
      (await transport.run(['sh', '-c', 'echo $SSH_CONNECTION'])).stdout.split(' ')[1];
    const first = await port(one);
    expect(await port(other)).toBe(first);
    await one.close();
    expect(await port(other)).toBe(first);
    await other.close();
    expect(await port(scratch.connect(sshd))).not.toBe(first);
  });

  it('keeps to what the server allows at once, however many commands there are', async () => {
    const sshd = await scratch.start({ config: ['MaxSessions 3'] });
    const transport = scratch.connect(sshd);
    await transport.write('x', scratch.path('file'));
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => transport.run(['sh', '-c', 'sleep 0.2; echo $0', `${index}`])),
    );
    expect(results.map(({ stdout }) => stdout.trim())).toEqual(
      Array.from({ length: 20 }, (_, index) => `${index}`),
    );
  });

  it.each(['tcsh', 'fish', 'bash', 'dash'])(
    'runs commands as they are where the login shell is %s',
    async (shell) => {
      const sshd = await scratch.start({
        config: [`ForceCommand ${shell} -c "$SSH_ORIGINAL_COMMAND"`, 'MaxSessions 10'],
      });
      const words = ["it's", 'a\nb\n', '!x !! $HOME', '\\ \\n "q"', 'ü☃', '', '-n', '~ * {a,b} (x) ;|&'];
      const transport = scratch.connect(sshd);
      const { stdout, exitCode } = await transport.run(['printf', '%s\\0', ...words], { stdin: 'unread' });
      expect([stdout.split('\0').slice(0, -1), exitCode]).toEqual([words, 0]);
      expect(await transport.run(['sh', '-c', 'exit 5'])).toMatchObject({ exitCode: 5 });
    },
  );

  it('leaves out what the login shell says by itself', async () => {
    const sshd = await scratch.start({
      config: ['ForceCommand echo Welcome!; echo hi >&2; exec sh -c "$SSH_ORIGINAL_COMMAND"'],
    });
    const result = await scratch.connect(sshd).run(['echo', 'out']);
    expect(result).toEqual({ exitCode: 0, signal: null, stdout: 'out\n', stderr: '' });
  });

  it('says so where the login shell ends before the command begins', async () => {
    const sshd = await scratch.start({ config: ['ForceCommand echo This account is closed.; exit 1'] });
    await expect(scratch.connect(sshd).run(['true'])).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_UNREACHABLE',
      message: expect.stringContaining('before the command began: This account is closed.'),
    });
  });
});
