import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSshTransport, type SshTransport } from '../../../src/transport/ssh/ssh-transport.js';
import type { Sshd } from '../../rig/sshd.mjs';
import { Scratch } from './scratch.js';

const HOPS = ['outer', 'inner', 'target'] as const;

describe('a gateway behind jump hosts', { timeout: 270_000 }, () => {
  let scratch: Scratch;
  let hosts: Record<(typeof HOPS)[number], Sshd>;
  let transport: SshTransport;
  beforeEach(async () => {
    scratch = new Scratch();
    const [outer, inner, target] = [await scratch.start(), await scratch.start(), await scratch.start()];
    hosts = { outer, inner, target };
    transport = connect();
  });
  afterEach(async () => {
    for (const sshd of Object.values(hosts)) sshd.thawSessions();
    await transport.close();
    await scratch.close();
  });

  /** @param port of the target, when it is not its own */
  function connect(port = hosts.target.port): SshTransport {
    const [config, known] = [scratch.path('config'), scratch.path('all known')];
    const servers = HOPS.map((name) => hosts[name]);
    writeFileSync(known, servers.map(({ knownHosts }) => readFileSync(knownHosts, 'utf8')).join(''));
    const entries = HOPS.map((name) => {
      const { user, key } = hosts[name];
      const at = name === 'target' ? `${port}\n  ProxyJump outer,inner` : hosts[name].port;
      return `Host ${name}\n  HostName 127.0.0.1\n  User ${user}\n  IdentityFile "${key}"\n  Port ${at}\n`;
    });
    writeFileSync(config, entries.join(''));
    return createSshTransport(
      { host: 'target' },
      { configFile: config, knownHostsFile: known, env: { HOME: scratch.folder }, backOff_ms: [50, 400] },
    );
  }

  it('goes by each one’s own entry of the configuration', async () => {
    const ports = (await transport.run(['sh', '-c', 'echo $SSH_CONNECTION'])).stdout.trim().split(' ');
    expect(ports.at(-1)).toBe(`${hosts.target.port}`);
    expect(HOPS.map((name) => hosts[name].sessions().length > 0)).toEqual([true, true, true]);
  });

  it.each(HOPS)('loses what is under way as soon as %s goes, and reconnects', async (name) => {
    await transport.write('text', scratch.path('file'));
    const begun = scratch.path('begun');
    const running = transport.run(['sh', '-c', 'touch "$0"; sleep 60', begun]);
    const { stdout, ended } = await transport.stream(['sh', '-c', 'echo some; sleep 60']);
    const reading = (async () => {
      for await (const _ of stdout);
    })();
    const lost = [running, reading, ended].map((promise) =>
      expect(promise).rejects.toMatchObject({
        code: 'METALAB_TRANSPORT_LOST',
        message: expect.stringMatching(/127\.0\.0\.1:\d+ hung up/),
      }),
    );
    await expect.poll(() => existsSync(begun), { timeout: 60_000 }).toBe(true);
    const from = performance.now();
    hosts[name].dropSessions();
    await Promise.all(lost);
    // The keep-alive would take 20 s to see it.
    expect(performance.now() - from).toBeLessThan(15_000);
    expect((await transport.run(['echo', 'again'])).stdout).toBe('again\n');
  });

  it('names the host that is not reached, again and again', async () => {
    await transport.run(['true']);
    await hosts.inner.stop();
    const errors = [];
    for (let times = 0; times < 3; times++)
      errors.push(await transport.run(['true'], { timeout_ms: 30_000 }).catch((error) => error));
    expect(errors.slice(1)).toEqual([
      expect.objectContaining({ code: 'METALAB_TRANSPORT_UNREACHABLE' }),
      expect.objectContaining({ code: 'METALAB_TRANSPORT_UNREACHABLE' }),
    ]);
    expect(String(errors.at(-1))).toContain(`127.0.0.1:${hosts.inner.port}`);
    await hosts.inner.start();
    expect((await transport.run(['echo', 'back'])).stdout).toBe('back\n');
  });

  it('is not waited for when a jump host goes before the login', async () => {
    const silent = createServer(() => {});
    const came = new Promise<void>((resolve) => silent.once('connection', () => resolve()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    await transport.close();
    transport = connect((silent.address() as { port: number }).port);
    const running = transport.run(['true']);
    const refused = expect(running).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_UNREACHABLE',
      message: expect.stringContaining('hung up'),
    });
    await came;
    hosts.outer.dropSessions();
    await refused;
    silent.close();
  });

  it('closes while it is being reached: callers fail at once', async () => {
    const silent = createServer(() => {});
    const came = new Promise<void>((resolve) => silent.once('connection', () => resolve()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    await transport.close();
    transport = connect((silent.address() as { port: number }).port);
    const refused = expect(transport.run(['true'])).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_LOST',
    });
    await came;
    await transport.close();
    await refused;
    silent.close();
  });
});
