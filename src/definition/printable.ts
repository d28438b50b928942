// Names and texts of runs may be other people's. Control characters in them would break lines, move the terminal's
// cursor, or worse.

/** Text without control characters but newlines and tabs. */
export const printable = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd');

/** Text in one line, without control characters. */
export const oneLine = (text: string): string =>
  text.replace(/\p{Cc}/gu, (character) => (character === '\n' ? '↵' : character === '\t' ? ' ' : '\ufffd'));

/** Text in double quotes, with control characters as escapes. */
export const quoted = (text: string): string =>
  JSON.stringify(text).replace(/\p{Cc}/gu, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);

export const hasControl = (text: string): boolean => /\p{Cc}/u.test(text);

/** Names in a sentence: those that would run into the next are in quotes. */
export const listNames = (names: readonly string[]): string =>
  names.map((name) => (hasControl(name) || /^$|^\s|\s$|, /.test(name) ? quoted(name) : name)).join(', ');

/** Text of at most so many characters, which ends with `…` if it was longer. */
export const shorten = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, Math.max(0, length - 1))}…` : text;
