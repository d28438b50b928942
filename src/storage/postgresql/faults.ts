import { type ErrorParts, StoreError } from '../../definition/errors.js';
import { type PostgresSettings, postgresUri } from './settings.js';

/** Codes of Node and PostgreSQL that say that the server can't be reached, or is stopping or starting. */
const UNREACHABLE =
  /^(?:E(?:CONNREFUSED|CONNRESET|NOTFOUND|AI_AGAIN|TIMEDOUT|HOSTUNREACH|NETUNREACH|PIPE|NOENT)|57P0[123]|08\w{3}|53300)$/;
/** `pg` has no code for these. */
const LOST = /timeout expired|connection terminated|server closed|not queryable/i;

/** Codes of Node's TLS for what is wrong with a certificate. */
const CERTIFICATE = /CERT|^UNABLE_TO_|^CRL_|^ERR_TLS_CERT_ALTNAME/;

interface Fault {
  readonly code?: string;
  readonly message: string;
  readonly detail?: string;
}

/** Whether trying again later may do. */
export const isUnreachable = (error: unknown): boolean =>
  error instanceof StoreError
    ? error.code === 'METALAB_INDEX_UNREACHABLE'
    : UNREACHABLE.test(codeOf(error)) || LOST.test(messageOf(error));

/** The error with what can be done about it. */
export function indexFault(error: unknown, settings: PostgresSettings): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError({ where: postgresUri(settings), ...partsOf(error, settings) }, { cause: error });
}

/** There is no way to the server's machine. */
export const unreachable = (error: unknown, settings: PostgresSettings): StoreError =>
  new StoreError(
    { where: postgresUri(settings), ...unreachableParts(messageOf(error).split('\n', 1)[0]!) },
    { cause: error },
  );

const unreachableParts = (message: string): ErrorParts => ({
  code: 'METALAB_INDEX_UNREACHABLE',
  what: `PostgreSQL can't be reached: ${message}`,
  next: 'start it, or correct host and port of the uri; the files have everything, and are read with --store FOLDER',
});

function partsOf(error: unknown, settings: PostgresSettings): ErrorParts {
  const { database, schema } = settings;
  const code = codeOf(error);
  const message = messageOf(error);
  const login = loginOf(settings);
  if (isUnreachable(error)) return unreachableParts(message);
  if (code.startsWith('28') || /password must be a string|SASL|no password/i.test(message))
    return {
      code: 'METALAB_INDEX_LOGIN',
      what: `PostgreSQL does not let ${login} in: ${/must be a string/.test(message) ? 'no password is known' : message}`,
      next: 'set PGPASSWORD, or write the password to ~/.pgpass (mode 0600), or to .metalab.local.toml: [postgresql] password = "…"',
    };
  if (/does not support SSL/i.test(message))
    return {
      code: 'METALAB_INDEX_TLS',
      what: "the server has no TLS, which the uri's sslmode demands",
      next: 'turn it on there (ssl = on), or, on a network that you trust, name sslmode=prefer in the uri',
    };
  if (CERTIFICATE.test(code))
    return {
      code: 'METALAB_INDEX_TLS',
      what: `the server's certificate is not accepted: ${message}`,
      expected: 'a certificate for the host that the uri names, of an authority that is known here',
      next: "name the authority's certificate in the uri: sslrootcert=/path/to/root.crt",
    };
  if (code === '3D000')
    return {
      code: 'METALAB_INDEX_MISSING',
      what: `there is no database ${JSON.stringify(database ?? '')}`,
      next: `create it, e.g. with createdb ${database ?? 'metalab'}`,
    };
  if (code === '42501') return rightsParts(message, login, schema);
  if (code === '2BP01')
    return {
      code: 'METALAB_INDEX_VIEW',
      what: `a view of the index can't be created again with its new columns: ${messageOf(error)}${detailOf(error)}`,
      next: 'drop what depends on it, run metalab store index, and make it again; the tables have all that was read',
    };
  if (code === '3F000' || code === '42P01')
    return {
      code: 'METALAB_INDEX_MISSING',
      what: `there is no index in the schema ${JSON.stringify(schema)}`,
      next: 'make it where the files are: metalab store index --store "postgresql://…?file_root=FOLDER"',
    };
  return { code: 'METALAB_INDEX', what: `PostgreSQL failed: ${message}${code && ` (${code})`}` };
}

/** The user may not do what is needed. */
export const lacksRights = (settings: PostgresSettings, message: string): StoreError =>
  new StoreError({
    where: postgresUri(settings),
    ...rightsParts(message, loginOf(settings), settings.schema),
  });

const rightsParts = (message: string, login: string, schema: string): ErrorParts => ({
  code: 'METALAB_INDEX_RIGHTS',
  what: `${login} lacks privileges for the index: ${message}`,
  expected: `permission to create the schema ${JSON.stringify(schema)}, or a schema of that name that you own`,
  next: 'ask its owner for: GRANT CREATE ON DATABASE … TO …; to only read it: GRANT USAGE ON SCHEMA …, GRANT SELECT ON ALL TABLES IN SCHEMA …',
});

const loginOf = ({ user }: PostgresSettings): string =>
  user === undefined ? 'the user' : JSON.stringify(user);

/** Of several addresses that all refused, Node tells in an AggregateError: by the first. */
const firstOf = (error: unknown): Partial<Fault> =>
  error instanceof AggregateError && error.errors.length > 0
    ? (error.errors[0] as Partial<Fault>)
    : ((error ?? {}) as Partial<Fault>);
export const codeOf = (error: unknown): string => firstOf(error).code ?? '';
const detailOf = (error: unknown): string => {
  const { detail } = firstOf(error);
  return detail === undefined ? '' : `; ${detail.replaceAll('\n', '; ')}`;
};
const messageOf = (error: unknown): string => firstOf(error).message ?? String(error);
