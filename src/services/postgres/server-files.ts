import pg from 'pg';
import { GIB, MIB } from '../../definition/memory-size.js';
import { scramVerifier } from './scram.js';
import type { PostgresConfig } from './settings.js';

export interface ServerSettings {
  readonly config: PostgresConfig;
  readonly port: number;
  /** The server's own addresses, as in `listen_addresses`. */
  readonly listen: string;
  /** Who may connect, as in pg_hba.conf: `127.0.0.1/32`, `all`. */
  readonly clients: readonly string[];
  /** What the server may use. */
  readonly memory_bytes: number;
  /** Undefined: no password is asked for. */
  readonly password: string | undefined;
}

/** The server's superuser, whom nobody can log in as. */
export const SUPERUSER = 'metalab_superuser';

/** The server's configuration: there is no other, since it takes the place of postgresql.conf. */
export function serverConf({ config, port, listen, memory_bytes }: ServerSettings, data: string): string {
  const settings: { readonly [name: string]: string | number } = {
    listen_addresses: listen,
    port,
    // A socket in a folder could be reached by other users.
    unix_socket_directories: '',
    hba_file: `${data}/metalab_hba.conf`,
    max_connections: config.max_connections,
    search_path: `${pg.escapeIdentifier(config.schema)}, "$user", public`,
    // https://www.postgresql.org/docs/current/runtime-config-resource.html: a quarter of the memory for shared_buffers.
    shared_buffers: megabytes(memory_bytes / 4),
    effective_cache_size: megabytes((memory_bytes * 3) / 4),
    maintenance_work_mem: megabytes(Math.min(memory_bytes / 16, GIB)),
    work_mem: megabytes(Math.min(memory_bytes / 64, 64 * MIB)),
    // One server: nothing is replicated, so that rows that are copied into a new table need no log.
    wal_level: 'minimal',
    max_wal_senders: 0,
    max_wal_size: '2GB',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoteSetting(value)}`);
  return `# Written by metalab at each start.\n${lines.join('\n')}\n`;
}

/** Who may log in: one user, to one database. Who is not in it is refused. */
export function hbaConf({ config, clients, password }: ServerSettings): string {
  const [database, user] = [config.database, config.user].map(quoteHba);
  const method = password === undefined ? 'trust' : 'scram-sha-256';
  const lines = clients.map((client) => `host ${database} ${user} ${client} ${method}`);
  return `# Written by metalab at each start.\n${lines.join('\n')}\n`;
}

/** What `rolesSql` prints where the database is missing. */
export const NO_DATABASE = 'metalab: no database';

/** Makes the role, gives it its password, and tells whether the database is there. Can be repeated. */
export function rolesSql({ config: { user, database }, password }: ServerSettings): string {
  const role = pg.escapeIdentifier(user);
  const secret = password === undefined ? 'NULL' : pg.escapeLiteral(scramVerifier(password));
  const create = `IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${pg.escapeLiteral(user)}) THEN CREATE ROLE ${role}; END IF;`;
  return statements([
    `DO ${pg.escapeLiteral(`BEGIN ${create} END`)}`,
    `ALTER ROLE ${role} LOGIN NOSUPERUSER PASSWORD ${secret}`,
    `SELECT '${NO_DATABASE}' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = ${pg.escapeLiteral(database)})`,
  ]);
}

export const databaseSql = ({ config: { user, database } }: ServerSettings): string =>
  statements([`CREATE DATABASE ${pg.escapeIdentifier(database)} OWNER ${pg.escapeIdentifier(user)}`]);

/** As `postgres --single -j` reads them: an empty line ends one. */
const statements = (all: readonly string[]) => all.map((each) => `${each};\n\n`).join('');
const megabytes = (bytes: number) => `${Math.max(1, Math.floor(bytes / MIB))}MB`;
const quoteSetting = (value: string | number) =>
  typeof value === 'number' ? value : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
const quoteHba = (name: string) => `"${name.replaceAll('"', '""')}"`;
