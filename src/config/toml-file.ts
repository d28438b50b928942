import { readFile } from 'node:fs/promises';
import { isAbsolute, relative } from 'node:path';
import { parse, TomlDate, TomlError } from 'smol-toml';
import { ParseError } from 'toml-eslint-parser';
import { InfrastructureError, type Problem } from '../definition/errors.js';
import { type Path, positionsOf } from './positions.js';
import type { Table } from './table.js';

/** A parsed configuration file. */
export interface TomlFile {
  readonly path: string;
  /** The path for messages. */
  readonly name: string;
  /** Plain JSON. Empty if its syntax is wrong. */
  readonly table: Table;
  /** What is wrong with its syntax. */
  readonly problems: readonly Problem[];
  /** `{path}:{line}` of the value at a path, or of the nearest table around it that the file has. */
  place(path: Path): string;
  /** Whether the file has something at a path. */
  has(path: Path): boolean;
}

/**
 * Reads a configuration file.
 *
 * @returns undefined if there is none
 * @throws InfrastructureError if it can't be read
 */
export async function readTomlFile(path: string): Promise<TomlFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new InfrastructureError(
      { code: 'METALAB_CONFIG_UNREADABLE', where: path, what: `can't be read: ${message}` },
      { cause: error },
    );
  }
  const name = shortPath(path);
  try {
    const document = parse(text, { unsafeKeyBehaviour: 'throw' });
    const problems: Problem[] = [];
    const lineOf = positionsOf(text);
    const place = (at: Path) => `${name}:${nearestLine(lineOf, at)}`;
    const table = toPlain(document, [], (at, problem) => problems.push({ where: place(at), ...problem }));
    return { path, name, table: table as Table, problems, place, has: (at) => lineOf(at) !== undefined };
  } catch (error) {
    const problem = syntaxProblem(name, error);
    return { path, name, table: {}, problems: [problem], place: () => name, has: () => false };
  }
}

/** Relative to the current folder, unless that is longer. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return isAbsolute(short) || short.length > path.length ? path : short;
}

function syntaxProblem(name: string, error: unknown): Problem {
  if (error instanceof ParseError) {
    const where = `${name}:${error.lineNumber}:${error.column + 1}`;
    return { where, what: error.message, expected: 'TOML' };
  }
  if (!(error instanceof TomlError)) throw error;
  const what = /^Invalid TOML document: (.*)/.exec(error.message)?.[1] ?? error.message;
  return { where: `${name}:${error.line}:${error.column}`, what, expected: 'TOML' };
}

function nearestLine(lineOf: (path: Path) => number | undefined, path: Path): number {
  return lineOf(path) ?? (path.length > 0 ? nearestLine(lineOf, path.slice(0, -1)) : 1);
}

/** TOML has dates, and numbers that JSON lacks. */
function toPlain(value: unknown, path: Path, refuse: (path: Path, problem: Problem) => void): unknown {
  if (value instanceof TomlDate) return value.toISOString();
  if (typeof value === 'number' && !Number.isFinite(value)) {
    refuse(path, { what: `${path.join('.')} is ${value}`, expected: 'a finite number' });
    return 0;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item, index) => toPlain(item, [...path, index], refuse));
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, toPlain(item, [...path, key], refuse)]),
  );
}
