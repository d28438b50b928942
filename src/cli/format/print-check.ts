import type { CommandContext } from '../command.js';

/** One thing that was looked at. */
interface PrintedCheck {
  readonly name: string;
  readonly ok: boolean | 'warn';
  readonly detail: string;
  readonly next?: string;
}

/** A line that says whether it is ok, and under it what to do where it is not. */
export function printCheck(
  { name, ok, detail, next }: PrintedCheck,
  { out, color, named }: Pick<CommandContext, 'out' | 'color' | 'named'>,
): void {
  const mark = ok === true ? color.green('ok  ') : ok === 'warn' ? color.yellow('warn') : color.red('bad ');
  out(`${mark} ${color.bold(name)}: ${named(detail)}`);
  if (next) out(`     next: ${named(next)}`);
}
