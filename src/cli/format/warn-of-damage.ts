import type { CommandContext } from '../command.js';

/** Warns of lines of the segments that a command leaves out, since they are no records. Nothing where there are none. */
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
    `${color.yellow('warning:')} ${where}${what}; metalab store check names them, --repair mends what can be, and the next submit does the other runs again`,
  );
}
