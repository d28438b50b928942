export interface Prompt {
  readonly text: string;
  /** Whether what is typed may be seen. */
  readonly echo: boolean;
}

/** Who asks a person. What is answered goes to where it was asked for and is kept nowhere. */
export interface Prompter {
  /**
   * @param what what it is asked for: `logging in to user@gateway`
   * @returns one answer a prompt; rejects where the person gave up
   */
  ask(prompts: readonly Prompt[], what: string): Promise<readonly string[]>;
}
