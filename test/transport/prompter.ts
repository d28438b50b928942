import type { Prompt, Prompter } from '../../src/transport/prompter.js';

/** A person who answers from a list, and remembers what was asked. */
export class ScriptedPerson implements Prompter {
  readonly asked: { readonly prompts: readonly Prompt[]; readonly what: string }[] = [];
  readonly #answers: string[];

  constructor(...answers: string[]) {
    this.#answers = answers;
  }

  async ask(prompts: readonly Prompt[], what: string): Promise<readonly string[]> {
    this.asked.push({ prompts, what });
    return prompts.map(({ text }) => {
      const answer = this.#answers.shift();
      if (answer === undefined) throw new Error(`nobody knows what to answer to ${text}`);
      return answer;
    });
  }

  get texts(): string[] {
    return this.asked.flatMap(({ prompts }) => prompts.map(({ text }) => text));
  }
}
