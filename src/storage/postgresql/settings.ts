import { isAbsolute, resolve } from 'node:path';
import type { Problem } from '../../definition/errors.js';
import { nearestName } from '../../definition/nearest.js';

export const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** An index in PostgreSQL, and the folder of its files. What is missing is as in libpq: PGHOST, PGUSER and so on. */
export interface PostgresSettings {
  readonly scheme: 'postgresql';
  readonly host?: string;
  readonly port?: number;
  readonly user?: string;
  readonly database?: string;
  readonly schema: string;
  /** The file store that it is the index of; missing where only the index is read. */
  readonly file_root?: string;
  readonly sslmode?: SslMode;
  /** Paths of PEM files. */
  readonly sslrootcert?: string;
  readonly sslcert?: string;
  readonly sslkey?: string;
  /** Path of a file with passwords, as libpq reads it. */
  readonly passfile?: string;
}

const DEFAULT_SCHEMA = 'metalab';
/** What PostgreSQL keeps of a name. */
const MAX_NAME_BYTES = 63;
const PARAMETERS = [
  'schema',
  'file_root',
  'host',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'passfile',
] as const;

/** @param problems gets every mistake; then the settings are of no use */
export function parsePostgres(location: string, problems: Problem[]): PostgresSettings {
  const shown = maskPassword(location);
  const refuse = (what: string, expected: string, next?: string) =>
    void problems.push({ where: shown, what, expected, ...(next === undefined ? {} : { next }) });
  let url: URL;
  try {
    url = new URL(location);
  } catch {
    refuse('is no uri', 'postgresql://user@host:5432/database?schema=metalab&file_root=/data/experiments');
    return { scheme: 'postgresql', schema: DEFAULT_SCHEMA };
  }
  if (url.password !== '' || url.searchParams.has('password'))
    refuse(
      'the uri holds a password, which others could read in the list of processes and in logs',
      'a uri without a password',
      'set PGPASSWORD, or write it to ~/.pgpass, or to .metalab.local.toml: [postgresql] password = "…"',
    );
  for (const name of new Set(url.searchParams.keys())) {
    if (name === 'password' || (PARAMETERS as readonly string[]).includes(name)) continue;
    const near = nearestName(name, PARAMETERS);
    refuse(`has no parameter '${name}'`, `one of ${PARAMETERS.join(', ')}`, near && `did you mean ${near}?`);
  }
  const parameter = (name: (typeof PARAMETERS)[number]) => url.searchParams.get(name) || undefined;
  const schema = parameter('schema') ?? DEFAULT_SCHEMA;
  if (Buffer.byteLength(schema) > MAX_NAME_BYTES || /^pg_|\0/.test(schema))
    refuse(
      `can't have the schema ${JSON.stringify(schema)}`,
      'a name of at most 63 bytes that does not begin with pg_',
    );
  const database = decode(url.pathname.slice(1));
  if (database.includes('/'))
    refuse(`names the database ${JSON.stringify(database)}`, 'one name after the host');
  const file_root = parameter('file_root');
  if (file_root !== undefined && !isAbsolute(file_root))
    refuse(
      `file_root is ${JSON.stringify(file_root)}`,
      'an absolute path',
      `file_root=${resolve(file_root)}`,
    );
  const sslmode = parameter('sslmode');
  if (sslmode !== undefined && !isSslMode(sslmode))
    refuse(`sslmode is ${JSON.stringify(sslmode)}`, `one of ${SSL_MODES.join(', ')}`);
  const host = decode(url.hostname) || parameter('host');
  return {
    scheme: 'postgresql',
    ...given({ host: host?.replace(/^\[|\]$/g, ''), user: decode(url.username), database }),
    ...(url.port === '' ? {} : { port: Number(url.port) }),
    schema,
    ...given({ file_root }),
    ...(sslmode !== undefined && isSslMode(sslmode) ? { sslmode } : {}),
    ...given({
      sslrootcert: parameter('sslrootcert'),
      sslcert: parameter('sslcert'),
      sslkey: parameter('sslkey'),
      passfile: parameter('passfile'),
    }),
  };
}

/** The uri of the settings. */
export function postgresUri(settings: PostgresSettings): string {
  const { host = '', port, user, database = '', schema } = settings;
  const isSocket = host.startsWith('/');
  const query = new URLSearchParams();
  if (isSocket) query.set('host', host);
  if (schema !== DEFAULT_SCHEMA) query.set('schema', schema);
  for (const name of ['file_root', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'passfile'] as const)
    if (settings[name] !== undefined) query.set(name, settings[name]);
  const login = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  const place = isSocket ? '' : host.includes(':') ? `[${host}]` : host;
  // libpq takes a plus as it is.
  const text = query.toString().replaceAll('+', '%20');
  return `postgresql://${login}${place}${port === undefined ? '' : `:${port}`}/${encodeURIComponent(database)}${text && `?${text}`}`;
}

/** A uri with `***` in the place of its password. */
export const maskPassword = (location: string): string =>
  location
    .replace(/^([a-z][a-z0-9+.-]*:(?:\/\/)?[^/?#:@]*):.*@/i, '$1:***@')
    .replace(/([?&]password=)[^&#]*/gi, '$1***');

/**
 * A store's location as psql and other clients of PostgreSQL take it: without what only metalab knows. Other locations stay
 * as they are.
 */
export function clientUri(location: string): string {
  if (!/^postgres(ql)?:\/\//.test(location)) return location;
  const { file_root: _, ...settings } = parsePostgres(location, []);
  return postgresUri({ ...settings, schema: DEFAULT_SCHEMA });
}

const isSslMode = (text: string): text is SslMode => (SSL_MODES as readonly string[]).includes(text);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const given = <Name extends string>(values: { readonly [name in Name]: string | undefined }) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as { [name in Name]?: string };
