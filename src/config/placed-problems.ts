import type { Problem } from '../definition/errors.js';
import type { Mistake } from './format-issues.js';
import type { Path } from './positions.js';
import type { TomlFile } from './toml-file.js';

/** The problems of a configuration's files, with their positions. */
export class PlacedProblems {
  readonly #files: readonly TomlFile[];
  readonly #found: Problem[];

  constructor(files: readonly TomlFile[]) {
    this.#files = files;
    this.#found = files.flatMap(({ problems }) => problems);
  }

  /** By file and line. */
  get all(): readonly Problem[] {
    const order = ({ where = '' }: Problem) => {
      const [, name, line] = /^(.*?):(\d+)(?::\d+)?$/.exec(where) ?? [];
      return this.#files.findIndex((file) => file.name === name) * 1e6 + Number(line ?? 0);
    };
    return [...this.#found].sort((a, b) => order(a) - order(b));
  }

  /** Problems of one file. */
  of(file: TomlFile, mistakes: readonly Mistake[]): void {
    for (const { path, missing: _, ...problem } of mistakes)
      this.#found.push({ where: file.place(path), ...problem });
  }

  /**
   * Adds a problem of the merged configuration. Its position is in the last file that has the key, else in the first
   * file that has most of the key's path.
   */
  together(mistake: Mistake): void {
    // The contents of a file that can't be parsed are unknown.
    if (this.#files.some(({ problems }) => problems.length > 0)) return;
    const { path } = mistake;
    const file = this.#files.findLast((candidate) => candidate.has(path)) ?? this.#around(path);
    if (file) this.of(file, [mistake]);
  }

  #around(path: Path): TomlFile | undefined {
    if (path.length === 0) return this.#files[0];
    return this.#files.find((file) => file.has(path)) ?? this.#around(path.slice(0, -1));
  }
}
