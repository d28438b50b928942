import { describeReplaced, type ReplacedDeclaration } from '../../client/submit/replaced-declaration.js';
import type { CommandContext, CommonOptions } from '../command.js';
import { createTerminalPrompter } from '../terminal/terminal-prompter.js';

/** Asks on a terminal. Without one it warns and continues, so that scripts neither hang nor break. */
export async function confirmReplace(
  replaced: ReplacedDeclaration,
  options: CommonOptions & { readonly replace?: boolean },
  { note, color }: CommandContext,
): Promise<boolean> {
  if (options.replace) return true;
  note(color.yellow(`warning: ${describeReplaced(replaced)}`));
  const prompter = options.json || !process.stderr.isTTY ? undefined : createTerminalPrompter();
  if (!prompter) return true;
  const [answer = ''] = await prompter
    .ask([{ text: 'replace it? [y/N] ', echo: true }], '')
    .catch(() => ['']);
  return /^y(es)?$/i.test(answer.trim());
}
