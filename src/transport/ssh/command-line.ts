/**
 * A command as one line that every login shell passes on unharmed: sh, csh (which minds `!` and newlines inside quotes) and
 * fish (which minds backslashes). They only see printable ASCII without those in single quotes, from which `sh` makes the
 * POSIX command line again.
 *
 * It first writes `mark` to its output, and with its pid to its errors: what came before is the login shell's own talk
 * (`echo` in .bashrc), and the pid is its process group, by which the command can be ended.
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

/** An argument as a POSIX shell takes it literally, whatever is in it. */
export const quoteForShell = (argument: string): string => `'${argument.replaceAll("'", "'\\''")}'`;

/** Octal escapes of `printf %b` (POSIX) for all that some shell minds inside single quotes. */
function encode(text: string): string {
  let result = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    const plain = byte >= 0x20 && byte < 0x7f && !"'!\\".includes(character);
    result += plain ? character : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return result;
}
