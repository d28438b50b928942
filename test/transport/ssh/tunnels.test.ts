import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SshTransport } from '../../../src/transport/ssh/ssh-transport.js';
import type { Tunnel } from '../../../src/transport/transport.js';
import type { Sshd } from '../../rig/sshd.mjs';
import { describeTunnels, dial, received, TestService } from '../tunnel-contract.js';
import { Scratch } from './scratch.js';

describeTunnels('ssh', async () => {
  const scratch = new Scratch();
  const transport = scratch.connect(await scratch.start());
  return { transport, close: () => scratch.close() };
});

describe('a tunnel whose gateway', { timeout: 180_000 }, () => {
  let scratch: Scratch;
  let sshd: Sshd;
  let transport: SshTransport;
  let service: TestService;
  let tunnel: Tunnel;
  let failures: Error[];

  beforeEach(async () => {
    scratch = new Scratch();
    service = await TestService.start();
    failures = [];
  });
  afterEach(async () => {
    await scratch.close();
    await service.stop();
  });

  async function open(config: readonly string[] = []): Promise<void> {
    sshd = await scratch.start({ config });
    transport = scratch.connect(
      sshd,
      {},
      { keepAlive_ms: 500, connectTimeout_ms: 3_000, backOff_ms: [50, 400] },
    );
    tunnel = await transport.openTunnel(service.target, { onFailure: (error) => failures.push(error) });
  }

  it('drops the connection: clients see it cut off, not ended, and the next one goes through', async () => {
    await open();
    service.serve((socket) => socket.write('some'));
    const client = dial(tunnel);
    await once(client, 'data');
    const [ended, reset] = [once(client, 'end').then(() => 'ended'), once(client, 'error')];
    sshd.dropSessions();
    expect(await Promise.race([ended, reset])).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
    await expect.poll(() => service.open, { timeout: 60_000 }).toBe(0);
    service.serve((socket) => socket.end('again'));
    expect((await received(dial(tunnel))).toString()).toBe('again');
    expect(failures).toEqual([]);
  });

  it('is down: each failed connection is reported, and it goes on once the service is back', async () => {
    await open();
    service.serve((socket) => socket.end('here'));
    expect((await received(dial(tunnel))).toString()).toBe('here');
    await sshd.stop();
    await once(dial(tunnel), 'error');
    await expect.poll(() => failures, { timeout: 60_000 }).toHaveLength(1);
    expect(failures[0]).toMatchObject({
      code: expect.stringMatching(/^METALAB_TRANSPORT_(UNREACHABLE|LOST)$/),
    });
    await sshd.start();
    await expect
      .poll(() => tunnel.check().then(() => 'reached', String), { timeout: 60_000 })
      .toBe('reached');
    expect((await received(dial(tunnel))).toString()).toBe('here');
  });

  it('falls silent: the keep-alive sees it, and clients are cut off', async () => {
    await open();
    service.serve((socket) => socket.write('some'));
    const client = dial(tunnel);
    await once(client, 'data');
    const reset = once(client, 'error');
    sshd.freezeSessions();
    expect(await reset).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
    service.serve((socket) => socket.end('again'));
    expect((await received(dial(tunnel))).toString()).toBe('again');
    sshd.thawSessions();
  });

  it('forwards no ports says so, and what to do', async () => {
    await open(['AllowTcpForwarding no']);
    await expect(tunnel.check()).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_CONFIG',
      message: expect.stringMatching(/does not forward ports[\s\S]*AllowTcpForwarding/),
    });
  });

  it('lets few sessions through has room for tunnels beside its commands', async () => {
    await open(['MaxSessions 1']);
    service.serve((socket) => socket.pipe(socket));
    const clients = Array.from({ length: 20 }, () => dial(tunnel));
    for (const client of clients) client.write('x');
    await Promise.all(clients.map((client) => once(client, 'data')));
    expect((await transport.run(['echo', 'beside'])).stdout).toBe('beside\n');
    for (const client of clients) client.destroy();
  });
});
