/**
 * Splits printed text into lines, in time linear in its length however small its chunks are. Of a line that was
 * overwritten with carriage returns, as by progress bars, only the last state is kept.
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  /** The chunks of the line that has not ended yet. */
  #pieces: string[] = [];
  /** Whether that line ends with a carriage return: the next text replaces it, unless that is a newline. */
  #returned = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(text: string): void {
    let start = 0;
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.#append(text.slice(start, end));
      this.#emit();
      start = end + 1;
    }
    if (start < text.length) this.#append(start === 0 ? text : text.slice(start));
  }

  /** Ends a line that has no newline. */
  end(): void {
    if (this.#pieces.length > 0) this.#emit();
  }

  /** @param text without newlines */
  #append(text: string): void {
    if (text === '') return;
    let end = text.length;
    while (end > 0 && text.charCodeAt(end - 1) === RETURN) end--;
    if (end > 0) {
      const from = text.lastIndexOf('\r', end - 1) + 1;
      if (from > 0 || this.#returned) this.#pieces = [];
      this.#pieces.push(text.slice(from, end));
    }
    this.#returned = end < text.length || (end === 0 && this.#returned);
  }

  #emit(): void {
    const line = this.#pieces.join('');
    this.#pieces = [];
    this.#returned = false;
    this.#onLine(line);
  }
}

const RETURN = 13;
