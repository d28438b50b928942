import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { makeSampleStore } from '../../../src/testing/sample-store.js';
import { metalab } from '../../support/metalab.js';
import { lastingFolder, temporaryFolder } from '../file/temporary-store.js';
import { usePostgres } from './use-postgres.js';

const postgres = usePostgres();
const certificates = lastingFolder();
const pathOf = (name: string) => join(certificates, name);
const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: certificates, stdio: 'pipe' });

/** A certificate for the name `localhost`, by an authority of this test. */
function makeCertificates(): void {
  for (const authority of ['authority', 'stranger'])
    openssl(
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${authority}`],
      ...['-keyout', `${authority}.key`, '-out', `${authority}.crt`],
    );
  openssl(
    ...[
      'req',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=localhost',
      '-addext',
      'subjectAltName=DNS:localhost',
    ],
    ...['-keyout', 'server.key', '-out', 'server.csr'],
  );
  openssl(
    ...['x509', '-req', '-in', 'server.csr', '-days', '2', '-copy_extensions', 'copy', '-CAcreateserial'],
    ...['-CA', 'authority.crt', '-CAkey', 'authority.key', '-out', 'server.crt'],
  );
}

const admin = 'postgresql://127.0.0.1/postgres';

beforeAll(async () => {
  makeCertificates();
  const [{ data_directory }] = (await postgres.query('SHOW data_directory', admin)) as [
    { data_directory: string },
  ];
  const { uid, gid } = statSync(data_directory);
  for (const name of ['server.crt', 'server.key']) {
    copyFileSync(pathOf(name), join(data_directory, name));
    chownSync(join(data_directory, name), uid, gid);
    chmodSync(join(data_directory, name), 0o600);
  }
  await postgres.query('ALTER SYSTEM SET ssl = on', admin);
  await postgres.server.kill();
  await postgres.server.start();
});

/** Indexes a store, and says whether the connection was encrypted. */
async function index(host: string, settings: string) {
  const store = await makeSampleStore(join(temporaryFolder(), 'store'));
  const database = await postgres.database();
  const uri = `${database.replace('127.0.0.1', host)}?file_root=${encodeURIComponent(store.root)}&${settings}`;
  await postgres.query('CREATE SCHEMA metalab', database);
  await postgres.query(
    `CREATE TABLE public.seen (ssl boolean);
     CREATE FUNCTION public.look() RETURNS event_trigger LANGUAGE plpgsql AS
       $$ BEGIN INSERT INTO public.seen SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid(); END $$;
     CREATE EVENT TRIGGER look ON ddl_command_end EXECUTE FUNCTION public.look()`,
    database,
  );
  const result = await metalab(['store', 'index', '--store', uri]);
  const seen = await postgres.query<{ ssl: boolean }>('SELECT DISTINCT ssl FROM public.seen', database);
  return { ...result, encrypted: seen.map(({ ssl }) => ssl) };
}

const root = (name: string) => `sslrootcert=${encodeURIComponent(pathOf(name))}`;

const REFUSED = /certificate is not accepted[\s\S]*sslrootcert=/;

describe('a server with a certificate', () => {
  test.each([
    ['by default', '127.0.0.1', '', true],
    ['without TLS where it is disabled', '127.0.0.1', 'sslmode=disable', false],
    ['without checking its certificate where TLS is only required', '127.0.0.1', 'sslmode=require', true],
    ['by its authority, whatever its name', '127.0.0.1', `sslmode=verify-ca&${root('authority.crt')}`, true],
    ['by its authority and its name', 'localhost', `sslmode=verify-full&${root('authority.crt')}`, true],
  ])('is used %s', async (_, host, settings, encrypted) => {
    const result = await index(host, settings);
    expect(result.code, result.stderr).toBe(0);
    expect(result.encrypted).toEqual([encrypted]);
  });

  test.each([
    ['of another authority', 'localhost', `sslmode=verify-ca&${root('stranger.crt')}`, REFUSED],
    [
      'of another authority, where it is required',
      'localhost',
      `sslmode=require&${root('stranger.crt')}`,
      REFUSED,
    ],
    ['of another name', '127.0.0.1', `sslmode=verify-full&${root('authority.crt')}`, REFUSED],
    [
      'whose authority is in no file',
      'localhost',
      `sslmode=verify-full&${root('nowhere.crt')}`,
      "can't be read",
    ],
  ])('is refused %s, and gets no password', async (_, host, settings, words) => {
    const result = await index(host, settings);
    expect(result.code).not.toBe(0);
    expect(result.stderr).toMatch(words);
    expect(result.stderr).not.toContain(readFileSync(pathOf('server.key'), 'utf8').slice(30, 60));
    expect(result.encrypted).toEqual([]);
  });
});
