// @ts-check
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findPrograms } from '../../src/services/postgres/find-programs.mjs';

/** The folder with PostgreSQL's programs; the tests ask with `pg_isready` whether a server answers. */
export const findPostgres = () => findPrograms().find((folder) => existsSync(join(folder, 'pg_isready')));
