import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownKeysOf } from '../../../src/transport/ssh/known-hosts.js';
import { makeKey, type Sshd } from '../../rig/sshd.mjs';
import { ScriptedPerson } from '../prompter.js';
import { Scratch } from './scratch.js';

const publicKey = (file: string) => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
const fingerprint = (file: string) =>
  execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1]!;

describe('the host key of a gateway', { timeout: 180_000 }, () => {
  let scratch: Scratch;
  let sshd: Sshd;
  let other: string;
  beforeAll(async () => {
    scratch = new Scratch();
    sshd = await scratch.start({ hostKeys: ['ed25519', 'rsa', 'ecdsa'] });
    other = scratch.path('other');
    makeKey(other);
  });
  afterAll(() => scratch.close());

  let files = 0;
  const withKnownHosts = (text: string, config = '', person?: ScriptedPerson) => {
    const knownHostsFile = scratch.path(`known_hosts ${files++}`);
    const configFile = `${knownHostsFile}.config`;
    if (text) writeFileSync(knownHostsFile, text);
    writeFileSync(configFile, config);
    const options = { knownHostsFile, configFile, ...(person && { prompter: person }) };
    const transport = scratch.connect(sshd, {}, options);
    return { transport, knownHostsFile };
  };
  const accepted = async (text: string, config?: string) => {
    const { transport } = withKnownHosts(text, config);
    expect((await transport.run(['echo', 'in'])).stdout).toBe('in\n');
    await transport.close();
  };
  const refused = async (text: string, message: RegExp, config?: string, person?: ScriptedPerson) => {
    const { transport, knownHostsFile } = withKnownHosts(text, config, person);
    const fault = { code: 'METALAB_TRANSPORT_HOST_KEY', message: expect.stringMatching(message) };
    await expect(transport.run(['true'])).rejects.toMatchObject(fault);
    await transport.close();
    return knownHostsFile;
  };
  const host = () => `[127.0.0.1]:${sshd.port}`;

  it('is accepted by its line, among others, whichever of its keys is known', async () => {
    for (const type of ['ed25519', 'rsa', 'ecdsa'])
      await accepted(
        `# note\n\nelsewhere ${publicKey(other)}\n${host()},gw ${publicKey(sshd.hostKey(type))} me@there\n`,
      );
  });

  it('is accepted by a hashed line, as ssh-keygen -H makes it', async () => {
    const file = scratch.path('to hash');
    writeFileSync(file, `${host()} ${publicKey(sshd.hostKey())}\n`);
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
    const hashed = readFileSync(file, 'utf8');
    expect(hashed).toMatch(/^\|1\|/);
    await accepted(hashed);
  });

  it('is accepted by wildcards and by its alias, and not where a line excludes it', async () => {
    await accepted(`[127.0.0.?]:* ${publicKey(sshd.hostKey())}\n`);
    await accepted(`the-gateway ${publicKey(sshd.hostKey())}\n`, 'HostKeyAlias the-gateway\n');
    await refused(`[127.*]:*,!${host()} ${publicKey(sshd.hostKey())}\n`, /an unknown host shows/);
    await refused(`127.0.0.1 ${publicKey(sshd.hostKey())}\n`, /an unknown host shows/);
  });

  it('is refused where the host is unknown and nobody can be asked', async () => {
    const file = await refused('', /unknown host shows \S+ SHA256:\S+[\s\S]*next: .*env login/);
    expect(existsSync(file)).toBe(false);
  });

  it('is asked about where somebody is there, noted on yes, and then known', async () => {
    const person = new ScriptedPerson('yes');
    const { transport, knownHostsFile } = withKnownHosts('', '', person);
    await transport.run(['true']);
    expect(person.texts[0]).toContain(fingerprint(sshd.hostKey()));
    await transport.close();
    expect(statSync(knownHostsFile).mode & 0o777).toBe(0o600);
    expect(readFileSync(knownHostsFile, 'utf8')).toBe(`${host()} ${publicKey(sshd.hostKey())}\n`);
    await accepted(readFileSync(knownHostsFile, 'utf8'));
  });

  it('is noted on a line of its own, hashed where the configuration says so', async () => {
    const { transport, knownHostsFile } = withKnownHosts(
      `elsewhere ${publicKey(other)}`,
      'HashKnownHosts yes\n',
      new ScriptedPerson('yes'),
    );
    await transport.run(['true']);
    await transport.close();
    expect(readFileSync(knownHostsFile, 'utf8')).not.toContain('127.0.0.1');
    const found = execFileSync('ssh-keygen', ['-F', host(), '-f', knownHostsFile], { encoding: 'utf8' });
    expect(found).toContain('found: line 2');
  });

  it('is refused on no, and under StrictHostKeyChecking yes without asking', async () => {
    await refused('', /was not confirmed/, '', new ScriptedPerson('no'));
    const person = new ScriptedPerson('yes');
    await refused('', /unknown host/, 'StrictHostKeyChecking yes\n', person);
    expect(person.asked).toEqual([]);
  });

  it('is noted without asking under accept-new; StrictHostKeyChecking no weakens nothing', async () => {
    await accepted('', 'StrictHostKeyChecking accept-new\n');
    await refused('', /unknown host/, 'StrictHostKeyChecking no\n');
    await refused(`${host()} ${publicKey(other)}\n`, /has changed/, 'StrictHostKeyChecking accept-new\n');
  });

  it('is refused when it has changed, with both fingerprints and the line, whoever is there', async () => {
    const person = new ScriptedPerson('yes');
    const file = await refused(`# one\n${host()} ${publicKey(other)}\n`, /has changed/, '', person);
    expect(person.asked).toEqual([]);
    const { transport } = withKnownHosts(readFileSync(file, 'utf8'));
    const error = await transport.run(['true']).catch((thrown: Error) => thrown);
    expect(String(error)).toContain(fingerprint(sshd.hostKey()));
    expect(String(error)).toContain(fingerprint(other));
    expect(String(error)).toMatch(/known_hosts \d+:2\)/);
  });

  it('is refused when it is revoked, and when only an authority vouches for it', async () => {
    const key = publicKey(sshd.hostKey());
    await refused(`@revoked * ${key}\n${host()} ${key}\n`, /is revoked[\s\S]*known_hosts \d+:1/);
    await refused(
      `@cert-authority * ${publicKey(other)}\n`,
      /certificate authority only \(\S+known_hosts \d+:1\)/,
    );
    await accepted(`@cert-authority * ${publicKey(other)}\n${host()} ${key}\n`);
  });
});

describe('known_hosts', () => {
  it('skips what it can not read', () => {
    const folder = mkdtempSync(join(tmpdir(), 'metalab-known-'));
    const file = join(folder, 'known_hosts');
    writeFileSync(
      file,
      '@unknown gw ssh-ed25519 AAAA\ngw\ngw ssh-ed25519\n|1|x\r\n\0\0\nGW ssh-ed25519 AAAA\r\n',
    );
    expect(knownKeysOf('gw', [join(folder, 'none'), file])).toMatchObject([
      { marker: null, where: `${file}:6` },
    ]);
    rmSync(folder, { recursive: true });
  });
});
