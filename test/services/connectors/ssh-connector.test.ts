import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SshConnector } from '../../../src/services/connectors/ssh-connector.js';
import type { Sshd } from '../../rig/sshd.mjs';
import { Scratch } from '../../transport/ssh/scratch.js';
import { dial, received, TestService } from '../../transport/tunnel-contract.js';
import { describeConnector } from '../connector-contract.js';

describeConnector('SSH', async () => {
  const scratch = new Scratch();
  const connector = new SshConnector(scratch.connect(await scratch.start()));
  return { connector, close: () => scratch.close() };
});

describe('an SSH connector whose gateway', { timeout: 180_000 }, () => {
  let scratch: Scratch;
  let sshd: Sshd;
  let service: TestService;
  let connector: SshConnector;
  beforeEach(async () => {
    scratch = new Scratch();
    sshd = await scratch.start();
    service = await TestService.start();
    connector = new SshConnector(scratch.connect(sshd, {}, { backOff_ms: [50, 400] }));
  });
  afterEach(async () => {
    await scratch.close();
    await service.stop();
  });

  it('restarts keeps its endpoint, which leads to the service again', async () => {
    service.serve((socket) => socket.write('some'));
    const endpoint = await connector.connect(service.target);
    const client = dial(endpoint);
    await once(client, 'data');
    const reset = once(client, 'error');
    await sshd.stop();
    expect(await reset).toEqual([expect.objectContaining({ code: 'ECONNRESET' })]);
    await sshd.start();
    service.serve((socket) => socket.end('again'));
    const answer = () => received(dial(endpoint)).then(String, () => 'reset');
    await expect.poll(answer, { timeout: 60_000 }).toBe('again');
    expect(connector.isAlive()).toBe(true);
    expect(await connector.connect(service.target)).toEqual(endpoint);
  });
});
