/** Rows, many at a time. */
export type Batches<Row> = AsyncIterable<readonly Row[]> | Iterable<readonly Row[]>;

interface LineFormat<T> {
  readonly before: string;
  readonly after: string;
  /** The cells' texts, without the commas between: a long one in pieces. */
  cells(row: T): readonly (string | Iterable<string>)[];
}

/** Rows as lines of cells with commas between: those of a batch together, but where a text is long. */
export async function* linesInPieces<T>(
  batches: Batches<T>,
  { before, after, cells }: LineFormat<T>,
): AsyncGenerator<string, void> {
  for await (const rows of batches) {
    let text = '';
    for (const row of rows) {
      const all = cells(row);
      if (all.every((cell) => typeof cell === 'string')) {
        text += `${before}${all.join(',')}${after}\n`;
        continue;
      }
      text += before;
      for (const [at, cell] of all.entries()) {
        if (at > 0) text += ',';
        if (typeof cell === 'string') text += cell;
        else {
          yield text;
          text = '';
          yield* cell;
        }
      }
      text += `${after}\n`;
    }
    if (text !== '') yield text;
  }
}
