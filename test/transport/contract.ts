import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Transport } from '../../src/transport/transport.js';

/** What a suite gives: a transport whose place has this machine's files. */
export interface TransportFixture {
  readonly transport: Transport;
  close(): Promise<void>;
}

const AWKWARD = [
  'plain',
  'two  spaces',
  ' \'single\' and "double" ',
  'a\nnew line\n',
  '-rf',
  '--help',
  '',
  '$HOME `id` $(id) \\ \\n \\0041 !! !x %s %b',
  'Zürich ☃ 実験',
  '* ? [a] {a,b} ~ # & ; | < > ( )',
  '\t\r\x07\x1b[0m',
];

/** What every transport does. */
export function describeTransport(name: string, open: () => Promise<TransportFixture>): void {
  describe(`the ${name} transport`, { timeout: 180_000 }, () => {
    let fixture: TransportFixture;
    let transport: Transport;
    let folder: string;
    const at = (path: string) => join(folder, path);

    beforeAll(async () => {
      fixture = await open();
      transport = fixture.transport;
      folder = mkdtempSync(join(tmpdir(), 'metalab transport\'s "quoted"\nfolder '));
    });
    afterAll(async () => {
      await fixture?.close();
      if (folder) rmSync(folder, { recursive: true, force: true });
    });

    describe('running commands', () => {
      it('passes every argument as it is', async () => {
        const { stdout, exitCode } = await transport.run(['printf', '%s\\0', ...AWKWARD]);
        expect(stdout.split('\0').slice(0, -1)).toEqual(AWKWARD);
        expect(exitCode).toBe(0);
      });

      it('runs programs whose path has quotes and a newline', async () => {
        writeFileSync(at("it's\n$x"), '#!/bin/sh\necho ran "$@"\n', { mode: 0o755 });
        expect((await transport.run([at("it's\n$x"), 'a  b'])).stdout).toBe('ran a  b\n');
      });

      it('gives output, errors and exit code apart, whatever the exit code', async () => {
        const result = await transport.run(['sh', '-c', 'echo out; echo err >&2; exit 7']);
        expect(result).toEqual({ exitCode: 7, signal: null, stdout: 'out\n', stderr: 'err\n' });
      });

      it('waits for the end of a command that closed its output before', async () => {
        const result = await transport.run(['sh', '-c', 'exec >&- 2>&-; sleep 0.5; exit 3']);
        expect(result).toMatchObject({ exitCode: 3, stdout: '', stderr: '' });
      });

      it('says which signal ended a command', async () => {
        expect(await transport.run(['sh', '-c', 'kill -KILL $$'])).toMatchObject({
          exitCode: null,
          signal: 'SIGKILL',
        });
      });

      it('gives exit code 127 for a program that is not there', async () => {
        const result = await transport.run(['metalab-no-such-program']);
        expect(result.exitCode).toBe(127);
        expect(result.stderr).toMatch(/metalab-no-such-program: .*not found/);
      });

      it('gives its standard input, text and bytes, and an end of it where there is none', async () => {
        const bytes = randomBytes(3_000_000);
        const sum = await transport.run(['sha256sum'], { stdin: bytes });
        expect(sum.stdout).toContain(createHash('sha256').update(bytes).digest('hex'));
        expect((await transport.run(['cat'], { stdin: 'ünï\n' })).stdout).toBe('ünï\n');
        expect((await transport.run(['cat'])).stdout).toBe('');
      });

      it('runs a command that does not read its input', async () => {
        const result = await transport.run(['sh', '-c', 'exit 3'], { stdin: randomBytes(5_000_000) });
        expect(result.exitCode).toBe(3);
      });

      it('starts in the home folder', async () => {
        expect((await transport.run(['pwd', '-P'])).stdout.trim()).toBe(
          (await transport.run(['sh', '-c', 'cd && pwd -P'])).stdout.trim(),
        );
      });

      it('gives output of many megabytes whole', async () => {
        const { stdout } = await transport.run(['head', '-c', '20000000', '/dev/zero']);
        expect(stdout.length).toBe(20_000_000);
      });

      it('ends a command that is out of time, with what it started', async () => {
        const begun = performance.now();
        const pidFile = at('pid');
        const running = transport.run(['sh', '-c', 'sleep 4711 & echo $! > "$0"; wait', pidFile], {
          timeout_ms: 3_000,
        });
        await expect(running).rejects.toMatchObject({
          code: 'METALAB_TRANSPORT_TIMEOUT',
          message: expect.stringMatching(/no answer within 3 s: the command sh/),
        });
        expect(performance.now() - begun).toBeLessThan(30_000);
        await expectEnded(Number(readFileSync(pidFile, 'utf8')));
      });

      it('ends a command whose caller gave it up', async () => {
        const stop = new AbortController();
        const pidFile = at('aborted pid');
        const running = transport.run(['sh', '-c', 'echo $$ > "$0"; exec sleep 4711', pidFile], {
          signal: stop.signal,
        });
        running.catch(() => {});
        await expect
          .poll(() => existsSync(pidFile) && readFileSync(pidFile, 'utf8'), { timeout: 60_000 })
          .toMatch(/\d\n/);
        stop.abort();
        await expect(running).rejects.toMatchObject({ name: 'AbortError' });
        await expectEnded(Number(readFileSync(pidFile, 'utf8')));
        await expect(transport.run(['true'], { signal: stop.signal })).rejects.toMatchObject({
          name: 'AbortError',
        });
      });

      it('runs many at once', async () => {
        const results = await Promise.all(
          Array.from({ length: 40 }, (_, index) =>
            transport.run(['sh', '-c', 'sleep 0.05; echo $0', `${index}`]),
          ),
        );
        expect(results.map(({ stdout }) => Number(stdout))).toEqual(
          Array.from({ length: 40 }, (_, index) => index),
        );
      });
    });

    describe('streaming output', () => {
      it('gives it while the command runs', async () => {
        const flag = at('go on');
        const script = 'echo one; while [ ! -e "$0" ]; do sleep 0.05; done; echo two; echo err >&2; exit 4';
        const { stdout, ended } = await transport.stream(['sh', '-c', script, flag]);
        let text = '';
        for await (const chunk of stdout) {
          text += Buffer.from(chunk).toString();
          if (text === 'one\n') writeFileSync(flag, '');
        }
        expect(text).toBe('one\ntwo\n');
        expect(await ended).toEqual({ exitCode: 4, signal: null, stdout: '', stderr: 'err\n' });
      });

      it('waits for a slow reader rather than fill the memory', async () => {
        const { stdout } = await transport.stream(['sh', '-c', 'exec cat /dev/zero']);
        const before = process.memoryUsage.rss();
        for await (const _ of stdout) {
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          break;
        }
        expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
      });

      it('ends the command when its reader leaves', async () => {
        const { stdout } = await transport.stream(['sh', '-c', 'echo $$; exec sleep 4711']);
        let pid = 0;
        for await (const chunk of stdout) {
          pid = Number(Buffer.from(chunk).toString());
          break;
        }
        await expectEnded(pid);
      });

      it('ends the command, and the reader hears of it, when the caller gives it up', async () => {
        const stop = new AbortController();
        const { stdout, ended } = await transport.stream(['sh', '-c', 'echo $$; exec sleep 4711'], {
          signal: stop.signal,
        });
        let pid = 0;
        const reading = (async () => {
          for await (const chunk of stdout) {
            pid = Number(Buffer.from(chunk).toString());
            stop.abort();
          }
        })();
        await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
        await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
        await expectEnded(pid);
      });
    });

    describe('moving files', () => {
      it.each([
        'a file',
        'it\'s "quoted"',
        'new\nline',
        '-rf',
        'Zürich ☃',
        '$HOME `id` \\ !',
        'x'.repeat(250),
      ])('puts and reads a file named %j, in folders that were not there', async (name) => {
        const bytes = randomBytes(100_001);
        const here = at('source');
        writeFileSync(here, bytes);
        const there = join(mkdtempSync(at('in ')), 'made\nfor it', 'now', name);
        await transport.put(here, there);
        expect(readFileSync(there).equals(bytes)).toBe(true);
        expect(await readAll(transport.read(there))).toEqual(bytes);
        expect(readdirSync(join(there, '..'))).toEqual([name]);
      });

      it('writes text and bytes over what is there, in one step', async () => {
        await transport.write('first', at('text'));
        await transport.write('second ☃', at('text'));
        expect(readFileSync(at('text'), 'utf8')).toBe('second ☃');
        await transport.write(new Uint8Array([0, 255, 10]), at('text'));
        expect([...readFileSync(at('text'))]).toEqual([0, 255, 10]);
      });

      it('moves empty files', async () => {
        await transport.write('', at('empty'));
        expect(statSync(at('empty')).size).toBe(0);
        expect(await readAll(transport.read(at('empty')))).toEqual(Buffer.alloc(0));
        await transport.put(at('empty'), at('empty again'));
        expect(statSync(at('empty again')).size).toBe(0);
      });

      it('moves 50 MB both ways', async () => {
        const bytes = randomBytes(50_000_000);
        writeFileSync(at('large'), bytes);
        await transport.put(at('large'), at('large there'));
        expect(readFileSync(at('large there')).equals(bytes)).toBe(true);
        expect((await readAll(transport.read(at('large there')))).equals(bytes)).toBe(true);
      });

      it('gives the mode that was asked for, also over a file of another', async () => {
        await transport.write('secret', at('secret'), { mode: 0o600 });
        expect(statSync(at('secret')).mode & 0o777).toBe(0o600);
        await transport.put(at('secret'), at('program'), { mode: 0o755 });
        expect(statSync(at('program')).mode & 0o777).toBe(0o755);
        await transport.write('open', at('secret'), { mode: 0o666 });
        expect(statSync(at('secret')).mode & 0o777).toBe(0o666);
      });

      it('reads on from an offset to where a file ends now', async () => {
        const text = 'line\n'.repeat(100_000);
        writeFileSync(at('growing'), text);
        expect((await readAll(transport.read(at('growing'), 499_990))).toString()).toBe('line\nline\n');
        expect((await readAll(transport.read(at('growing'), 500_000))).length).toBe(0);
        expect((await readAll(transport.read(at('growing'), 600_000))).length).toBe(0);
        writeFileSync(at('growing'), 'more\n', { flag: 'a' });
        expect((await readAll(transport.read(at('growing'), 500_000))).toString()).toBe('more\n');
      });

      it('lets a reader stop in the middle', async () => {
        writeFileSync(at('half'), randomBytes(10_000_000));
        for await (const chunk of transport.read(at('half'))) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
        expect((await transport.run(['echo', 'on'])).stdout).toBe('on\n');
      });

      it('names the path of a file that is not there, and leaves nothing', async () => {
        const missing = at('missing\nfile');
        const fault = {
          code: 'METALAB_TRANSPORT_FILE',
          message: expect.stringContaining(JSON.stringify(missing)),
        };
        await expect(readAll(transport.read(missing))).rejects.toMatchObject(fault);
        await expect(transport.put(missing, join(folder, 'put', 'it'))).rejects.toMatchObject(fault);
        expect(existsSync(at('put')) ? readdirSync(at('put')) : []).toEqual([]);
      });

      it('names the path that is a folder, or below a file', async () => {
        const fault = { code: 'METALAB_TRANSPORT_FILE', message: expect.stringContaining('transport') };
        await expect(readAll(transport.read(folder))).rejects.toMatchObject(fault);
        await expect(transport.write('x', join(at('text'), 'below'))).rejects.toMatchObject(fault);
        await expect(transport.write('x', folder)).rejects.toMatchObject(fault);
        expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
      });

      it('takes relative paths from the home folder', async () => {
        const name = `.metalab-transport-test-${process.pid}`;
        try {
          await transport.write('home', name);
          expect(readFileSync(join(homedir(), name), 'utf8')).toBe('home');
          expect((await readAll(transport.read(name))).toString()).toBe('home');
        } finally {
          rmSync(join(homedir(), name), { force: true });
        }
      });

      it('gives up a transfer that its caller gave up', async () => {
        const signal = AbortSignal.abort();
        writeFileSync(at('unwanted'), 'x');
        await expect(transport.put(at('unwanted'), at('unwanted there'), { signal })).rejects.toMatchObject({
          name: 'AbortError',
        });
        expect(existsSync(at('unwanted there'))).toBe(false);
      });
    });
  });
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function expectEnded(pid: number): Promise<void> {
  expect(pid).toBeGreaterThan(1);
  await expect
    .poll(
      () => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
      {
        timeout: 60_000,
      },
    )
    .toBe(false);
}
