import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { StoreError } from '../../definition/errors.js';
import type { PostgresSettings } from './settings.js';

/** The ways to connect, in libpq's order for the sslmode: the next is tried where the server refuses one. */
export function tlsAttempts(settings: PostgresSettings): (ConnectionOptions | false)[] {
  if (settings.host?.startsWith('/')) return [false];
  const { sslmode = 'prefer', sslrootcert, sslcert, sslkey } = settings;
  const read = (path: string | undefined) => (path === undefined ? undefined : readPem(path));
  const [ca, cert, key] = [sslrootcert, sslcert, sslkey].map(read);
  const verified = sslmode === 'verify-ca' || sslmode === 'verify-full' || (sslmode === 'require' && ca);
  const tls: ConnectionOptions = {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    rejectUnauthorized: Boolean(verified),
    // Only verify-full compares the certificate's name with the host's.
    ...(sslmode === 'verify-full' ? {} : { checkServerIdentity: () => undefined }),
  };
  if (sslmode === 'disable') return [false];
  if (sslmode === 'allow') return [false, tls];
  return sslmode === 'prefer' ? [tls, false] : [tls];
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new StoreError(
      {
        code: 'METALAB_INDEX_TLS',
        where: path,
        what: `the certificate or key can't be read: ${(error as Error).message}`,
        expected: 'a PEM file that sslrootcert, sslcert or sslkey of the uri names',
      },
      { cause: error },
    );
  }
}
