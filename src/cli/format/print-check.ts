import type { CommandContext } from '../command.js';

/** One thing that was checked. */
interface PrintedCheck {
  readonly name: string;
  readonly ok: boolean | 'warn';
  readonly detail: string;
  readonly next?: string;
}

/** Prints a line that says whether it is ok and, if not, a line that says what to do. */
export function printCheck(
  { name, ok, detail, next }: PrintedCheck,
  { out, color, named }: Pick<CommandContext, 'out' | 'color' | 'named'>,
): void {
  const mark = ok === true ? color.green('ok  ') : ok === 'warn' ? color.yellow('warn') : color.red('bad ');
  out(`${mark} ${color.bold(name)}: ${named(detail)}`);
  if (next) out(`     next: ${named(next)}`);
}
