import { parse } from 'smol-toml';

/** Where a value is in a file: keys of tables and indexes of arrays. */
export type Path = readonly (string | number)[];

/**
 * The lines of every key and array item of a TOML document. The parser does not report positions.
 *
 * @param text a valid document: the parser has checked its syntax
 * @returns a line from 1, by path; for a table with several headers, the first
 */
export function positionsOf(text: string): (path: Path) => number | undefined {
  const lines = new Scanner(text).scan();
  return (path) => lines.get(JSON.stringify(path));
}

class Scanner {
  readonly #text: string;
  readonly #lines = new Map<string, number>();
  /** How many items an array of tables has so far, by its path. */
  readonly #arrays = new Map<string, number>();
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
  }

  scan(): ReadonlyMap<string, number> {
    let table: Path = [];
    for (this.#skipVoid(); this.#at < this.#text.length; this.#skipVoid()) {
      if (this.#peek() === '[') table = this.#header();
      else this.#pair(table);
    }
    return this.#lines;
  }

  /** `[a.b]` or `[[a.b]]`. @returns the path of what follows it */
  #header(): Path {
    this.#advance(1);
    const isArray = this.#peek() === '[';
    if (isArray) this.#advance(1);
    const keys = this.#key();
    this.#advance(isArray ? 2 : 1);
    const path = this.#note([], isArray ? keys.slice(0, -1) : keys);
    if (!isArray) return path;
    const array = this.#note(path, keys.slice(-1), false);
    const count = this.#arrays.get(JSON.stringify(array)) ?? 0;
    this.#arrays.set(JSON.stringify(array), count + 1);
    return this.#note(array, [count]);
  }

  /** `a.b = value`, in a table or an inline one. */
  #pair(table: Path): void {
    const path = this.#note(table, this.#key());
    this.#advance(1);
    this.#skipVoid();
    this.#value(path);
  }

  #value(path: Path): void {
    const first = this.#peek();
    if (first === '"' || first === "'") this.#string();
    else if (first === '[') this.#items(']', (index) => this.#value(this.#note(path, [index])));
    else if (first === '{') this.#items('}', () => this.#pair(path));
    else this.#take(/[^,\]}#\n]*/y);
  }

  /** Comma-separated values between brackets. */
  #items(close: string, item: (index: number) => void): void {
    this.#advance(1);
    this.#skipVoid();
    for (let index = 0; this.#peek() !== close && this.#at < this.#text.length; index++) {
      item(index);
      this.#skipVoid();
      if (this.#peek() === ',') this.#advance(1);
      this.#skipVoid();
    }
    this.#advance(1);
  }

  /** A dotted key, up to the `=` or `]` after it. */
  #key(): string[] {
    const keys: string[] = [];
    for (;;) {
      this.#take(/[ \t]*/y);
      const quoted = this.#peek() === '"' || this.#peek() === "'";
      const part = quoted ? this.#string() : this.#take(/[\w-]*/y);
      keys.push(quoted ? (Object.keys(parse(`${part} = 0`))[0] ?? '') : part);
      this.#take(/[ \t]*/y);
      if (this.#peek() !== '.') return keys;
      this.#advance(1);
    }
  }

  #string(): string {
    const quote = this.#peek();
    const pattern = {
      '"': /"""(?:\\[\s\S]|[^\\])*?"""(?:"{0,2})|"(?:\\.|[^"\\\n])*"/y,
      "'": /'''[\s\S]*?'''(?:'{0,2})|'[^'\n]*'/y,
    }[quote as '"' | "'"];
    return this.#take(pattern);
  }

  /** Notes the line of a path and of its parents. @param within step into the last item of arrays of tables */
  #note(table: Path, keys: Path, within = true): Path {
    let path = table;
    for (const key of keys) {
      path = [...path, key];
      const name = JSON.stringify(path);
      if (!this.#lines.has(name)) this.#lines.set(name, this.#line);
      const count = within ? this.#arrays.get(name) : undefined;
      if (count !== undefined) path = [...path, count - 1];
    }
    return path;
  }

  #skipVoid(): void {
    this.#take(/(?:[\s\ufeff]|#[^\n]*)*/y);
  }

  #peek(): string {
    return this.#text.charAt(this.#at);
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const taken = pattern.exec(this.#text)?.[0] ?? '';
    this.#advance(taken.length);
    return taken;
  }

  #advance(length: number): void {
    for (const end = this.#at + length; this.#at < end; this.#at++)
      if (this.#text.charCodeAt(this.#at) === 10) this.#line++;
  }
}
