import { readFileSync } from 'node:fs';
import type { BundleError, RolldownError } from 'rolldown';
import { DefinitionError, type Problem } from '../../definition/errors.js';

/** Collects everything that is wrong with the user's source while it is bundled, to report it together. */
export class BuildProblems {
  readonly #problems = new Map<string, Problem>();

  /** Adds an import that can't be resolved. */
  addUnresolved(specifier: string, importer: string): void {
    const { where, frame } = locate(specifier, importer);
    const isPath = /^[./]/.test(specifier);
    this.#problems.set(`${importer}\0${specifier}`, {
      where,
      what: `can't find '${specifier}'${frame}`,
      expected: isPath ? 'the path of a file, relative to this one' : 'an installed package',
      next: isPath ? 'check the path' : `npm install ${packageNameOf(specifier)}`,
    });
  }

  throwIfAny(): void {
    if (this.#problems.size > 0)
      throw new DefinitionError([...this.#problems.values()], 'METALAB_DOES_NOT_COMPILE');
  }

  /** The error to throw if the bundler itself failed. Errors that are not about the source are returned unchanged. */
  toError(error: unknown): unknown {
    if (error instanceof DefinitionError) return error;
    const errors = (error as BundleError).errors;
    if (!errors) return error;
    const problems = [...this.#problems.values(), ...errors.map(describe)];
    return new DefinitionError(problems, 'METALAB_DOES_NOT_COMPILE');
  }
}

function describe(error: RolldownError): Problem {
  const sentence = firstLine(error.message.replace(/^\[\w+\] /, '')).replace(/\.$/, '');
  const { loc, id, frame } = error;
  const file = loc?.file ?? id;
  if (error.code === 'MISSING_EXPORT' && file && error.exporter) {
    const name = /^"(.*?)" is not exported/.exec(sentence)?.[1] ?? 'the name';
    return {
      where: place(file, loc),
      what: `'${name}' is not exported by ${error.exporter}${framed(frame)}`,
      next: 'export it there, or correct the import',
    };
  }
  return {
    ...(file ? { where: place(file, loc) } : {}),
    what: `does not compile: ${sentence}${framed(frame)}`,
    next: 'correct it and try again',
  };
}

/** Columns are counted from 1, as editors do; the bundler's are from 0. */
const place = (file: string, loc: RolldownError['loc']) =>
  loc ? `${file}:${loc.line}:${loc.column + 1}` : file;
const framed = (frame: string | undefined) => (frame ? `\n${frame}` : '');
const firstLine = (text: string) => text.split('\n', 1)[0] ?? '';

/** Plugins get the importing file, but not the position in it: it is found by the specifier's text. */
function locate(specifier: string, importer: string): { readonly where: string; readonly frame: string } {
  const quotes = [`'${specifier}'`, `"${specifier}"`];
  for (const [index, line] of readLines(importer).entries()) {
    const column = Math.max(...quotes.map((quoted) => line.indexOf(quoted)));
    if (column < 0) continue;
    const number = `${index + 1}: `;
    const frame = `\n${number}${line}\n${' '.repeat(number.length + column)}^`;
    return { where: `${importer}:${index + 1}:${column + 1}`, frame };
  }
  return { where: importer, frame: '' };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/);
  } catch {
    return [];
  }
}

const packageNameOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
