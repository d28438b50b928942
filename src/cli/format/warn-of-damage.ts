import type { CommandContext } from '../command.js';

/** Warns of segment lines that a command leaves out because they are not records. Prints nothing if there are none. */
export function warnOfDamage(
  lines: number,
  { note, color }: Pick<CommandContext, 'note' | 'color'>,
  experiment?: string,
): void {
  if (lines === 0) return;
  const what =
    lines === 1
      ? 'one line of the segments is damaged and left out'
      : `${lines} lines of the segments are damaged and left out`;
  const where = experiment === undefined ? '' : `${experiment}: `;
  note(
    `${color.yellow('warning:')} ${where}${what}; metalab store check names them, --repair fixes what it can, and the next submit executes the other runs again`,
  );
}
