import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from '../access/own-folders.js';
import { replaceFile } from '../access/replace-file.js';
import { InfrastructureError } from '../definition/errors.js';
import { MIN_KEY_BYTES, SigningKey } from '../identity/signature.js';
import { withLock } from './lock.mjs';
import { keyFile, makeStateFolder } from './state-folder.js';

/** The key that signs requests, and settings that depend on it. */
export interface RequestKey {
  readonly key: SigningKey;
  /** Where it is. */
  readonly file: string;
  /** Workers execute whatever their server gives them: the server's own TLS and API keys decide who may submit. */
  readonly trustsServer: boolean;
  /**
   * The queue that workers of this key poll: workflows, planning and settling. The queues for chunks and batches are
   * named after it.
   */
  readonly taskQueue: string;
}

/** The queue of workers that trust their server, whoever signed. */
const TRUSTING_QUEUE = 'metalab-unsigned';

/**
 * The key in METALAB_HOME, created if there is none. With a user-provided server, METALAB_KEY_FILE names another one,
 * which the server's users share.
 *
 * @param target.userProvided whether it is a user-provided server; see `TemporalTarget`
 * @throws InfrastructureError METALAB_KEY if the key can't be used, or other users can read it
 */
export async function loadRequestKey(
  { userProvided }: { readonly userProvided: boolean },
  env: Environment = process.env,
): Promise<RequestKey> {
  const trustsServer = userProvided && isSet(env, 'METALAB_TRUST_SERVER');
  const shared = userProvided && env.METALAB_KEY_FILE ? resolve(env.METALAB_KEY_FILE) : undefined;
  const file = shared ?? keyFile(makeStateFolder(env));
  const key = shared === undefined ? (readOwnKey(file) ?? (await makeOwnKey(file))) : readSharedKey(file);
  return { key, file, trustsServer, taskQueue: trustsServer ? TRUSTING_QUEUE : `metalab-${key.fingerprint}` };
}

function readOwnKey(file: string): SigningKey | undefined {
  const read = readKeyFile(file);
  if (!read) return undefined;
  const { secret, stats } = read;
  const remake = `remove ${file}: the next command creates another; sweeps in progress have to be submitted again`;
  if (stats.uid !== process.getuid?.())
    throw unusable(
      file,
      `it belongs to another user (uid ${stats.uid})`,
      'set METALAB_HOME to a folder of your own',
    );
  if ((stats.mode & 0o077) !== 0)
    throw unusable(file, `other users can read or write it (mode ${modeOf(stats)})`, remake);
  if (secret.length < MIN_KEY_BYTES) throw unusable(file, `it has ${secret.length} bytes`, remake);
  return new SigningKey(secret);
}

/** Several processes may create it at the same time: the result is one key. */
async function makeOwnKey(file: string): Promise<SigningKey> {
  return withLock(`${file}.lock`, () => {
    const meanwhile = readOwnKey(file);
    if (meanwhile) return meanwhile;
    const secret = randomBytes(MIN_KEY_BYTES).toString('hex');
    replaceFile(file, `${secret}\n`);
    return new SigningKey(Buffer.from(secret));
  });
}

const MAKE_SHARED =
  '(umask 077; openssl rand -hex 32 > KEY_FILE), and give every user and worker the same file';

function readSharedKey(file: string): SigningKey {
  const read = readKeyFile(file);
  if (!read) throw unusable(file, 'there is no such file', `make one: ${MAKE_SHARED}`, 'METALAB_KEY_FILE');
  const { secret, stats } = read;
  const remake = `create another, which only its users can read: ${MAKE_SHARED}`;
  // Its users may be a group.
  if ((stats.mode & 0o027) !== 0)
    throw unusable(
      file,
      `users outside its group can read it, or its group can write it (mode ${modeOf(stats)})`,
      remake,
      'METALAB_KEY_FILE',
    );
  if (secret.length < MIN_KEY_BYTES)
    throw unusable(file, `it has only ${secret.length} bytes`, remake, 'METALAB_KEY_FILE');
  return new SigningKey(secret);
}

/** @returns undefined if there is no such file */
function readKeyFile(file: string): { readonly secret: Buffer; readonly stats: Stats } | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw unusable(file, message, 'let this user read it, or name another with METALAB_KEY_FILE');
  }
  try {
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) throw unusable(file, 'it is not a file', 'name a file with METALAB_KEY_FILE');
    // A file written by an editor or by `openssl rand -hex` ends in a newline, which not every copy has.
    const text = readFileSync(descriptor, 'latin1').trimEnd();
    return { secret: Buffer.from(text, 'latin1'), stats };
  } finally {
    closeSync(descriptor);
  }
}

const modeOf = ({ mode }: Stats) => (mode & 0o777).toString(8).padStart(4, '0');

function isSet(env: Environment, name: string): boolean {
  const value = env[name] || '0';
  if (value === '0' || value === '1') return value === '1';
  throw new InfrastructureError({
    code: 'METALAB_KEY',
    where: name,
    what: `is ${JSON.stringify(value)}`,
    expected: '1, or nothing',
  });
}

const unusable = (file: string, what: string, next: string, where = file) =>
  new InfrastructureError({
    code: 'METALAB_KEY',
    where,
    what: `the key that signs requests, ${file}, can't be used: ${what}`,
    expected: `a file of at least ${MIN_KEY_BYTES} random bytes that no other user can read`,
    next,
  });
