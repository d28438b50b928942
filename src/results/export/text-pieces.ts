/** A text in pieces of about so many characters: no surrogate pair is cut. */
export function* textPieces(text: string, length: number): Generator<string, void> {
  for (let from = 0; from < text.length; ) {
    const isPair = text.codePointAt(from + length - 1)! > 0xffff;
    const to = from + length + (isPair ? 1 : 0);
    yield text.slice(from, to);
    from = to;
  }
}
