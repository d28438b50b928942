/** Text without control characters, which would move the terminal's cursor, or worse: results may contain other people's data. */
export const oneLine = (text: string): string =>
  text.replace(/\p{Cc}/gu, (character) => (character === '\n' ? '↵' : character === '\t' ? ' ' : '\ufffd'));
