import type { DirRule } from '../../definition/context.js';
import type { ContextHasher } from '../../identity/files.js';

/** What the child that evaluates asks its parent, which alone has a connection to the cluster. */
export interface HashQuestion {
  readonly question: number;
  readonly ask:
    | { readonly files: readonly string[] }
    | { readonly dir: string; readonly pattern: string | undefined; readonly rule: DirRule | undefined };
}

export interface HashAnswer {
  readonly question: number;
  readonly answer: unknown;
}

/** In the child: has the parent hash what is on the cluster. */
export class RemoteHasher implements ContextHasher {
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #asked = 0;

  constructor() {
    process.on('message', (message: Partial<HashAnswer>) => {
      if (message.question === undefined) return;
      this.#waiting.get(message.question)?.(message.answer);
      this.#waiting.delete(message.question);
      if (this.#waiting.size === 0) process.channel?.unref();
    });
  }

  hashAll(files: readonly string[]): ReturnType<ContextHasher['hashAll']> {
    return this.#ask({ files });
  }

  hashDir(dir: string, pattern?: string, rule?: DirRule): ReturnType<ContextHasher['hashDir']> {
    return this.#ask({ dir, pattern, rule });
  }

  #ask<T>(ask: HashQuestion['ask']): Promise<T> {
    const question = this.#asked++;
    // The answer is to be waited for: nothing else may be left that keeps the process.
    process.channel?.ref();
    return new Promise((resolve) => {
      this.#waiting.set(question, resolve as (answer: unknown) => void);
      process.send!({ question, ask } satisfies HashQuestion);
    });
  }
}

/** In the parent. */
export async function answerHashQuestion(
  { question, ask }: HashQuestion,
  hasher: ContextHasher,
): Promise<HashAnswer> {
  const answer =
    'files' in ask ? await hasher.hashAll(ask.files) : await hasher.hashDir(ask.dir, ask.pattern, ask.rule);
  return { question, answer };
}
