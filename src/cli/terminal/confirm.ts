import { createTerminalPrompter } from './terminal-prompter.js';

/** Asks on a terminal. @returns undefined if there is none */
export async function confirm(question: string): Promise<boolean | undefined> {
  const prompter = process.stderr.isTTY ? createTerminalPrompter() : undefined;
  if (!prompter) return undefined;
  const [answer = ''] = await prompter
    .ask([{ text: `${question} [y/N] `, echo: true }], '')
    .catch(() => ['']);
  return /^y(es)?$/i.test(answer.trim());
}
