import { randomBytes } from 'node:crypto';
import { postgresUri } from '../../storage/postgresql/settings.js';
import type { LocalFragment, ServicePlace, ServicePlan, SlurmFragment } from '../plugin.js';
import { keepLogin, type Login } from './password.js';
import { databaseSql, hbaConf, rolesSql, type ServerSettings, serverConf } from './server-files.js';
import type { PostgresConfig } from './settings.js';
import { type StartScript, startScript } from './start-script.js';

/** A server, as the plans for all types of environments know it. */
export interface Server {
  readonly settings: ServerSettings;
  /** Undefined: nobody has to log in. */
  readonly login: Login | undefined;
}

/** The server that a configuration asks for. Keeps its password where none is given. */
export function serverOf(
  config: PostgresConfig,
  place: ServicePlace,
  access: Pick<ServerSettings, 'listen' | 'clients' | 'memory_bytes'>,
): Server {
  const login =
    config.auth === 'trust' ? undefined : keepLogin(config.user, config.password, place.private_folder);
  const port = config.port ?? place.port;
  return { settings: { ...access, config, port, password: login?.password }, login };
}

/**
 * Asks for TLS: a server answers by one letter, whatever its settings, and logs nothing of a client that then leaves.
 * See SSLRequest at https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
const SSL_REQUEST = [0, 0, 0, 8, 4, 210, 22, 47];

/** What is the same in fragments of all types: the files that script and server read, whose passwords are hashed. */
export function startServer(
  { settings }: Server,
  script: Omit<StartScript, 'ready'>,
): Pick<LocalFragment & SlurmFragment, 'files' | 'readiness' | 'health'> {
  const { folder } = script;
  // Another one for each plan: that of an earlier start may still be there.
  const ready = `ready-${randomBytes(4).toString('hex')}`;
  return {
    readiness: { type: 'file', path: `${folder}/${ready}` },
    health: { type: 'reply', port: settings.port, request: SSL_REQUEST },
    files: {
      [`${folder}/start.sh`]: startScript({ ...script, ready }),
      [`${folder}/metalab.conf`]: serverConf(settings, `${folder}/data`),
      [`${folder}/metalab_hba.conf`]: hbaConf(settings),
      [`${folder}/roles.sql`]: rolesSql(settings),
      [`${folder}/database.sql`]: databaseSql(settings),
    },
  };
}

/** What a plan says of the server besides how it is started. */
export function describeServer(
  { settings: { config, port }, login }: Server,
  host: string,
  file_root: string,
): Pick<ServicePlan<unknown>, 'credentials' | 'metadata' | 'provides'> {
  const { user, database, schema } = config;
  const value = postgresUri({
    scheme: 'postgresql',
    host,
    port,
    user,
    database,
    schema,
    file_root,
    ...(login ? { passfile: login.file } : {}),
  });
  return {
    credentials: login ? { user, file: login.file } : null,
    metadata: { database, schema, file_root },
    provides: [{ kind: 'store', value }],
  };
}
