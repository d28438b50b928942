import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connector, Endpoint } from '../../src/services/connector.js';
import { dial, received, TestService } from '../transport/tunnel-contract.js';

/** A connector to services of this machine, and what it needs. */
export interface ConnectorFixture {
  readonly connector: Connector;
  close(): Promise<void>;
}

/** What every connector does. */
export function describeConnector(name: string, open: () => Promise<ConnectorFixture>): void {
  describe(`the ${name} connector`, { timeout: 180_000 }, () => {
    let fixture: ConnectorFixture;
    let connector: Connector;
    let service: TestService;

    beforeEach(async () => {
      fixture = await open();
      connector = fixture.connector;
      service = await TestService.start();
      service.serve((socket) => socket.end('the service'));
    });
    afterEach(async () => {
      await connector.disconnect();
      await fixture.close();
      await service.stop();
    });

    const answer = async (at: Endpoint) => (await received(dial(at))).toString();

    it('gives an endpoint at which the service answers', async () => {
      expect(connector.isAlive()).toBe(false);
      expect(await answer(await connector.connect(service.target))).toBe('the service');
      expect(connector.isAlive()).toBe(true);
    });

    it('gives the same endpoint as long as it is connected, also when asked twice at once', async () => {
      const [first, second] = await Promise.all([
        connector.connect(service.target),
        connector.connect(service.target),
      ]);
      expect(second).toEqual(first);
      expect(await connector.connect(service.target)).toEqual(first);
    });

    it('leads to where the service has moved', async () => {
      await connector.connect(service.target);
      const other = await TestService.start();
      other.serve((socket) => socket.end('moved'));
      expect(await answer(await connector.connect(other.target))).toBe('moved');
      await other.stop();
    });

    it('names a service that does not answer, is not alive then, and can be asked again', async () => {
      const { target } = service;
      await service.stop();
      await expect(connector.connect(target)).rejects.toMatchObject({
        code: 'METALAB_TRANSPORT_UNREACHABLE',
        message: expect.stringContaining(`127.0.0.1:${target.port}`),
      });
      expect(connector.isAlive()).toBe(false);
      service = await TestService.start(target.port);
      service.serve((socket) => socket.end('back'));
      expect(await answer(await connector.connect(target))).toBe('back');
      expect(connector.isAlive()).toBe(true);
    });

    it('is not alive once disconnected, and connects again', async () => {
      await connector.connect(service.target);
      await connector.disconnect();
      expect(connector.isAlive()).toBe(false);
      await connector.disconnect();
      expect(await answer(await connector.connect(service.target))).toBe('the service');
    });

    it('leaves the service running when it disconnects', async () => {
      await connector.connect(service.target);
      await connector.disconnect();
      const client = dial(service.target);
      await once(client, 'connect');
      expect((await received(client)).toString()).toBe('the service');
    });
  });
}
