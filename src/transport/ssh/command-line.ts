/**
 * A command as one line that every login shell passes on unchanged: sh, csh (which interprets `!` and newlines inside
 * quotes) and fish (which interprets backslashes). They see only printable ASCII without those characters, in single
 * quotes; `sh` restores the POSIX command line from it.
 *
 * It first writes `mark` to its output, and `mark` with its pid to its errors. Output before the mark is the login
 * shell's own (`echo` in .bashrc), and the pid is the process group through which the command can be ended.
 *
 * @param mark letters and digits
 */
export function commandLine(command: readonly string[], mark: string): string {
  if (command.length === 0) throw new TypeError('a command has at least a program');
  if (command.some((argument) => argument.includes('\0')))
    throw new TypeError('an argument has a NUL character');
  const script = `echo ${mark}; echo ${mark} $$ >&2; exec ${command.map(quoteForShell).join(' ')}`;
  return `exec sh -c 'eval "$(printf %b "$1")"' sh '${encode(script)}'`;
}

/** Quotes an argument so that a POSIX shell takes it literally. */
export const quoteForShell = (argument: string): string => `'${argument.replaceAll("'", "'\\''")}'`;

/** Octal escapes of `printf %b` (POSIX) for all characters that some shell interprets inside single quotes. */
function encode(text: string): string {
  let result = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    const plain = byte >= 0x20 && byte < 0x7f && !"'!\\".includes(character);
    result += plain ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return result;
}
