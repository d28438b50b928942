import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { typeOfKey } from './fingerprint.js';

/** A line of a known_hosts file about a host. Format: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT. */
export interface KnownKey {
  readonly marker: 'revoked' | 'cert-authority' | null;
  readonly type: string;
  readonly key: Buffer;
  /** `file:line`. */
  readonly where: string;
}

/** All lines of the files about a host, which is a name or `[name]:port`. Lines that can't be parsed are ignored. */
export function knownKeysOf(host: string, files: readonly string[]): readonly KnownKey[] {
  return files.flatMap((file) => {
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split(/\r?\n/)
      .flatMap((line, index) => parseLine(line, host.toLowerCase(), `${file}:${index + 1}`) ?? []);
  });
}

/** Adds a host's key to a file, which is created if it doesn't exist. */
export async function noteKnownKey(file: string, host: string, key: Buffer, hashed: boolean): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const torn = existsSync(file) && /[^\n]$/.test(readFileSync(file, 'utf8'));
  const name = hashed ? hashName(host.toLowerCase(), randomBytes(20)) : host.toLowerCase();
  const line = `${name} ${typeOfKey(key)} ${key.toString('base64')}\n`;
  await appendFile(file, (torn ? '\n' : '') + line, { mode: 0o600 });
}

function parseLine(line: string, host: string, where: string): KnownKey | undefined {
  const fields = line.trim().split(/\s+/);
  if (fields[0] === '' || fields[0]?.startsWith('#')) return undefined;
  const marker = fields[0]?.startsWith('@') ? fields.shift()?.slice(1) : null;
  if (marker !== null && marker !== 'revoked' && marker !== 'cert-authority') return undefined;
  const [hosts, type, base64] = fields;
  if (!hosts || !type || !base64 || !isAbout(hosts, host)) return undefined;
  return { marker, type, key: Buffer.from(base64, 'base64'), where };
}

function isAbout(hosts: string, host: string): boolean {
  if (hosts.startsWith('|1|')) {
    const salt = hosts.split('|')[2];
    return salt !== undefined && hashName(host, Buffer.from(salt, 'base64')) === hosts;
  }
  const patterns = hosts.toLowerCase().split(',');
  const matching = (wanted: boolean) =>
    patterns.some(
      (pattern) => pattern.startsWith('!') !== wanted && matches(pattern.replace(/^!/, ''), host),
    );
  return matching(true) && !matching(false);
}

const matches = (pattern: string, host: string) =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(host);

const hashName = (host: string, salt: Buffer) =>
  `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(host).digest('base64')}`;
