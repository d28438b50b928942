import { z } from 'zod';
import { memory, text, wholeNumber } from '../../config/fields.js';
import type { Problem } from '../../definition/errors.js';

const AUTH = '"scram" (with a password), or "trust" (without, on this machine only)';
const NAME = 'a name of at most 63 bytes that does not begin with pg_';
const FOLDER = 'an absolute path, on the machine that experiments are submitted from';

/** PostgreSQL cuts longer names, and keeps those with `pg_` for itself. `metalab_superuser` is the server's own. */
const name = () =>
  text(NAME).refine(
    (value) => Buffer.byteLength(value) <= 63 && !/^pg_|^metalab_superuser$|[\0\r\n]/.test(value),
    { error: NAME },
  );

const schema = z.strictObject({
  port: wholeNumber(1, 65_535).optional(),
  user: name().default('metalab'),
  database: name().default('metalab'),
  /** Of the index. */
  schema: name().default('metalab'),
  password: text('a password, in one line')
    .regex(/^[^\0\r\n]+$/, { error: 'a password, in one line' })
    .optional(),
  auth: z.enum(['scram', 'trust'], { error: AUTH }).default('scram'),
  /** The store's files, of which the database is the index. */
  file_root: text(FOLDER).startsWith('/', { error: FOLDER }).optional(),
  max_connections: wholeNumber(10, 10_000).default(200),
  cpus: wholeNumber(1).default(1),
  /** Bytes. */
  memory: memory.optional(),
});

export const postgresSchema = schema;
export type PostgresConfig = z.infer<typeof schema>;

/** Problems that involve more than one value, or the environment's type. */
export function checkPostgres({ auth, password }: PostgresConfig, environmentType: string): Problem[] {
  const problems: Problem[] = [];
  if (auth === 'trust' && environmentType !== 'local')
    problems.push({ ...refuseTrust(`in an environment of type ${environmentType}`), where: 'auth' });
  if (auth === 'trust' && password !== undefined)
    problems.push({
      where: 'password',
      what: 'is given, and auth = "trust" asks for none',
      expected: 'one of them',
    });
  return problems;
}

/** @param place where the server is to run, e.g. `at 10.0.0.1` */
export const refuseTrust = (place: string): Problem => ({
  where: 'services.postgres.auth',
  what: `is "trust", but others can reach a server ${place}`,
  expected: '"scram"',
  next: 'write auth = "trust" to [environments.local.services.postgres] alone, or remove it',
});

export const isLoopback = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|::1)$/.test(host);
