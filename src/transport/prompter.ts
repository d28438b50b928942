export interface Prompt {
  readonly text: string;
  /** Whether the typed answer may be shown. */
  readonly echo: boolean;
}

/** Asks a person. Answers go only to the request that asked for them, and are not stored. */
export interface Prompter {
  /**
   * @param what why the person is asked: `logging in to user@gateway`
   * @returns one answer per prompt; rejects if the person gave up
   */
  ask(prompts: readonly Prompt[], what: string): Promise<readonly string[]>;
}
