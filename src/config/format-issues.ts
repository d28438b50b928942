import type { Problem } from '../definition/errors.js';
import { nearestName } from '../definition/nearest.js';
import type { Issue, Schema } from './environment-type.js';
import type { Path } from './positions.js';
import { fieldsOf, schemaAt } from './schema-shape.js';
import { valueAt } from './table.js';

/** The value given to a schema, and its position. */
export interface Checked {
  readonly schema: Schema;
  readonly value: unknown;
  /** Where the value is in the document. */
  readonly at: Path;
  /** Keys of the value's table that are checked elsewhere. */
  readonly besides?: readonly string[];
}

/** A problem, and the path of its value. */
export interface Mistake extends Omit<Problem, 'where'> {
  readonly path: Path;
  /** Whether a required key is missing. */
  readonly missing?: boolean;
}

/** Everything that a schema finds wrong with a value. */
export function mistakesOf(schema: Schema, value: unknown, at: Path, besides?: readonly string[]): Mistake[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  const checked: Checked = { schema, value, at, ...(besides ? { besides } : {}) };
  return formatIssues(result.error.issues, checked);
}

/** Converts issues of a schema to problems. */
function formatIssues(issues: readonly Issue[], checked: Checked): Mistake[] {
  return issues.flatMap((issue) => formatIssue(issue, checked));
}

function formatIssue(issue: Issue, { schema, value, at, besides = [] }: Checked): Mistake[] {
  const below = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  const path = [...at, ...below];
  if (issue.code === 'unrecognized_keys') {
    const holder = schemaAt(schema, below);
    const own = Object.keys((holder && fieldsOf(holder)) ?? {});
    const known = below.length === 0 ? [...besides, ...own] : own;
    return (issue.keys ?? []).map((key) => unknownKey(path, key, known));
  }
  const expected = issue.message
    .replace(/^(Invalid input: expected |Too \w+: expected )/, '')
    .replace(/, received .*/, '');
  const given = valueAt(value, below);
  if (given === undefined && below.length > 0)
    return [
      { path, missing: true, what: `${formatTable(path.slice(0, -1))} has no ${path.at(-1)}`, expected },
    ];
  return [{ path, what: `${formatPath(path)} is ${JSON.stringify(given).slice(0, 100)}`, expected }];
}

export function unknownKey(table: Path, key: string, known: readonly string[]): Mistake {
  const near = nearestName(key, known);
  return {
    path: [...table, key],
    what: `${formatTable(table)} has no key '${key}'`,
    expected: `one of ${known.join(', ')}`,
    ...(near ? { next: `did you mean ${near}?` } : {}),
  };
}

/** `environments."my cluster".executor.setup[1]`: as TOML writes it. */
export function formatPath(path: Path): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : `${index > 0 ? '.' : ''}${formatKey(key)}`))
    .join('');
}

const formatKey = (key: string) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key));
const formatTable = (path: Path) => (path.length === 0 ? 'the file' : `[${formatPath(path)}]`);
