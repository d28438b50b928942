import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Prompter } from '../../transport/prompter.js';

/** Asks at the terminal; undefined if there is none. Secret answers are not echoed. */
export function createTerminalPrompter(
  input: NodeJS.ReadStream = process.stdin,
  output: NodeJS.WriteStream = process.stderr,
): Prompter | undefined {
  if (!input.isTTY) return undefined;
  return {
    async ask(prompts, what) {
      output.write(`${what}\n`);
      const answers: string[] = [];
      for (const { text, echo } of prompts) answers.push(await askOne(text, echo, input, output));
      return answers;
    },
  };
}

function askOne(
  text: string,
  echo: boolean,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
): Promise<string> {
  // readline echoes what is typed to its output, so this output discards it.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  if (!echo) output.write(text);
  const reader = createInterface({ input, output: echo ? output : nowhere, terminal: true, historySize: 0 });
  return new Promise<string>((resolve, reject) => {
    // In raw mode, the terminal sends no signal for Ctrl-C.
    reader.once('SIGINT', () => {
      reader.close();
      process.kill(process.pid, 'SIGINT');
    });
    reader.once('close', () => reject(new Error('no answer was given')));
    reader.question(echo ? text : '', resolve);
  }).finally(() => {
    reader.close();
    if (!echo) output.write('\n');
  });
}
