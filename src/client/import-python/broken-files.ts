import { relative } from 'node:path';

/** A file or folder of the source that could not be imported. */
export interface BrokenFile {
  /** Relative to the folder that is imported. */
  readonly path: string;
  readonly why: string;
}

/** Collects what is broken, each path once. */
export class BrokenFiles {
  readonly #folder: string;
  readonly #whys = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(path: string, thrown: unknown): void {
    const name = relative(this.#folder, path) || '.';
    if (!this.#whys.has(name)) this.#whys.set(name, whyOf(thrown));
  }

  list(): BrokenFile[] {
    return [...this.#whys].map(([path, why]) => ({ path, why }));
  }
}

function whyOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  if (!(thrown instanceof Error)) return String(thrown);
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  // Of the stack, by what goes through its values.
  if (thrown instanceof RangeError) return 'is nested too deeply';
  if (thrown instanceof SyntaxError) return `is no JSON: ${thrown.message}`;
  return thrown.message;
}
