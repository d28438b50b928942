import { readFile } from 'node:fs/promises';
import type { ParsedKey } from 'ssh2';
import ssh2 from 'ssh2';

/** A private key's file, as far as it can be read without its passphrase. */
export interface IdentityFile {
  readonly path: string;
  readonly content: Buffer;
  /** undefined if it needs a passphrase. */
  readonly key: ParsedKey | undefined;
  /** In SSH's wire format; read from the `.pub` file beside it if the key needs a passphrase. */
  readonly publicKey: Buffer | undefined;
}

/** Reads the files that exist. @returns also what was wrong with the others */
export async function readIdentityFiles(
  paths: readonly string[],
): Promise<{ readonly files: readonly IdentityFile[]; readonly faults: readonly string[] }> {
  const files: IdentityFile[] = [];
  const faults: string[] = [];
  for (const path of paths) {
    const content = await readFile(path).catch((error: NodeJS.ErrnoException) => error);
    if (content instanceof Error) {
      faults.push(`${path}: ${content.code === 'ENOENT' ? 'no such file' : content.message}`);
      continue;
    }
    const key = parsePrivateKey(content);
    if (key instanceof Error && !needsPassphrase(key)) {
      faults.push(`${path}: ${key.message}`);
      continue;
    }
    const publicKey = key instanceof Error ? await readPublicKey(`${path}.pub`) : key.getPublicSSH();
    files.push({ path, content, key: key instanceof Error ? undefined : key, publicKey });
  }
  return { files, faults };
}

/** The private key, or an error saying why it can't be read. */
export function parsePrivateKey(content: Buffer, passphrase?: string): ParsedKey | Error {
  const parsed = ssh2.utils.parseKey(content, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key instanceof Error || key?.isPrivateKey()) return key;
  return new Error('is not a private key');
}

const needsPassphrase = (error: Error) => /passphrase/i.test(error.message);

async function readPublicKey(path: string): Promise<Buffer | undefined> {
  const content = await readFile(path).catch(() => undefined);
  const key = content && ssh2.utils.parseKey(content);
  return key && !(key instanceof Error) ? [key].flat()[0]?.getPublicSSH() : undefined;
}
