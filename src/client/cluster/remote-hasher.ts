import type { DirRule } from '../../definition/context.js';
import type { ContextHasher } from '../../identity/files.js';

/** Requests of the evaluating child to its parent: only the parent has a connection to the cluster. */
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

/** In the child: asks the parent to hash files on the cluster. */
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
    // Keeps the process alive for the answer: nothing else may do so.
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
