import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SshTransport } from '../../../src/transport/ssh/ssh-transport.js';
import type { Sshd } from '../../rig/sshd.mjs';
import { Scratch } from './scratch.js';

const lost = { code: 'METALAB_TRANSPORT_LOST' };

describe('a gateway whose connection goes', { timeout: 270_000 }, () => {
  let scratch: Scratch;
  let sshd: Sshd;
  let transport: SshTransport;
  beforeEach(async () => {
    scratch = new Scratch();
    sshd = await scratch.start();
    transport = scratch.connect(
      sshd,
      {},
      { keepAlive_ms: 500, connectTimeout_ms: 3_000, backOff_ms: [50, 400] },
    );
  });
  afterEach(async () => {
    sshd.thawSessions();
    await scratch.close();
  });

  it('rejects the command in progress, and the next call connects again', async () => {
    const begun = scratch.path('begun');
    const running = transport.run(['sh', '-c', 'touch "$0"; sleep 30', begun]);
    running.catch(() => {});
    await expect.poll(() => existsSync(begun), { timeout: 60_000 }).toBe(true);
    sshd.dropSessions();
    await expect(running).rejects.toMatchObject(lost);
    expect((await transport.run(['echo', 'again'])).stdout).toBe('again\n');
  });

  it('tells the reader of a stream, so that what came is not taken for all', async () => {
    const { stdout, ended } = await transport.stream(['sh', '-c', 'echo some; exec sleep 30']);
    let text = '';
    const reading = (async () => {
      for await (const chunk of stdout) {
        text += Buffer.from(chunk).toString();
        sshd.dropSessions();
      }
    })();
    await expect(reading).rejects.toMatchObject(lost);
    await expect(ended).rejects.toMatchObject(lost);
    expect(text).toBe('some\n');
  });

  it('leaves the file as it was when it goes in the middle of an upload, and gets it through afterwards', async () => {
    const large = randomBytes(60_000_000);
    writeFileSync(scratch.path('large'), large);
    await transport.write('as it was', scratch.path('there/file'));
    const putting = transport.put(scratch.path('large'), scratch.path('there/file'));
    putting.catch(() => {});
    await expect.poll(() => readdirSync(scratch.path('there')).length, { timeout: 60_000 }).toBe(2);
    sshd.dropSessions();
    await expect(putting).rejects.toMatchObject(lost);
    expect(readFileSync(scratch.path('there/file'), 'utf8')).toBe('as it was');
    const left = readdirSync(scratch.path('there')).filter((name) => name !== 'file');
    expect(left.every((name) => /^\.file\.\S+\.part$/.test(name))).toBe(true);
    await transport.put(scratch.path('large'), scratch.path('there/file'));
    expect(readFileSync(scratch.path('there/file')).equals(large)).toBe(true);
  });

  it('fails a reader in the middle of a file, and the next one reads all of it', async () => {
    const large = randomBytes(60_000_000);
    writeFileSync(scratch.path('large'), large);
    const reading = transport.read(scratch.path('large'))[Symbol.asyncIterator]();
    expect((await reading.next()).done).toBe(false);
    sshd.dropSessions();
    const rest = async () => {
      while (!(await reading.next()).done);
    };
    await expect(rest()).rejects.toMatchObject(lost);
    const read: Uint8Array[] = [];
    for await (const chunk of transport.read(scratch.path('large'))) read.push(chunk);
    expect(Buffer.concat(read).equals(large)).toBe(true);
  });

  it('is unreachable while its sshd is down, tried less and less often, and back once that is', async () => {
    await transport.run(['true']);
    await sshd.stop();
    const codes = [];
    for (let times = 0; times < 5; times++)
      codes.push(
        await transport.run(['true']).then(
          () => 'ran',
          (error) => error.code,
        ),
      );
    expect(codes.filter((code) => code === 'METALAB_TRANSPORT_UNREACHABLE').length).toBeGreaterThanOrEqual(4);
    expect(codes).not.toContain('ran');
    await sshd.start();
    expect((await transport.run(['echo', 'back'])).stdout).toBe('back\n');
  });

  it('that falls silent costs a time-out, not a wait for ever', async () => {
    await transport.write('text', scratch.path('file'));
    sshd.freezeSessions();
    const begun = performance.now();
    const timeout = { code: 'METALAB_TRANSPORT_TIMEOUT' };
    await Promise.all([
      expect(transport.run(['true'], { timeout_ms: 600 })).rejects.toMatchObject(timeout),
      expect(transport.write('x', scratch.path('new'), { timeout_ms: 600 })).rejects.toMatchObject(timeout),
      expect(
        transport.read(scratch.path('file'), 0, { timeout_ms: 600 })[Symbol.asyncIterator]().next(),
      ).rejects.toMatchObject(timeout),
    ]);
    expect(performance.now() - begun).toBeLessThan(30_000);
  });

  it('that stays silent is given up by the keep-alive, and the next call has a new connection', async () => {
    const running = transport.run(['sh', '-c', 'sleep 60'], { timeout_ms: 50_000 });
    running.catch(() => {});
    await transport.run(['true']);
    sshd.freezeSessions();
    await expect(running).rejects.toMatchObject(lost);
    expect((await transport.run(['echo', 'new'])).stdout).toBe('new\n');
  });

  it('does not answer at all: unreachable after the time for connecting', async () => {
    const { createServer } = await import('node:net');
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as { port: number };
    const to = scratch.connect(sshd, { port }, { connectTimeout_ms: 500 });
    await expect(to.run(['true'])).rejects.toMatchObject({
      code: 'METALAB_TRANSPORT_UNREACHABLE',
      message: expect.stringContaining('no answer within 0.5 s'),
    });
    await to.close();
    silent.close();
  });

  it('rejects what is in progress when the transport is closed', async () => {
    const running = transport.run(['sleep', '30']);
    running.catch(() => {});
    await transport.run(['true']);
    await transport.close();
    await expect(running).rejects.toMatchObject(lost);
  });
});
