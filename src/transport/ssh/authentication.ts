import type { AnyAuthMethod, AuthHandlerMiddleware, ParsedKey } from 'ssh2';
import type { Prompt, Prompter } from '../prompter.js';
import { TransportError } from '../transport-error.js';
import { agentKeys, SelectedKeys } from './agent-keys.js';
import { type IdentityFile, parsePrivateKey, readIdentityFiles } from './identity-file.js';
import { formatHop, type Hop } from './settings.js';

/** Same as sshd's NumberOfPasswordPrompts. */
const TRIES = 3;

/** @param said what the host displays beside its prompts */
type Ask = (prompts: readonly Prompt[], said?: string) => Promise<readonly string[]>;

/** Logs in at one host: the order of the methods, and the error if all of them fail. */
export class Authentication {
  readonly #hop: Hop;
  readonly #prompter: Prompter | undefined;
  readonly #attempts: AsyncGenerator<AnyAuthMethod, void>;
  readonly #tried: string[] = [];
  #left: readonly string[] | null = null;
  #gaveUp: unknown;

  constructor(hop: Hop, prompter: Prompter | undefined) {
    this.#hop = hop;
    this.#prompter = prompter;
    this.#attempts = this.#plan();
  }

  /** ssh2 calls it for the next attempt, after each failed one. */
  readonly handler: AuthHandlerMiddleware = (left, _, next) => {
    this.#left = left;
    // The library's types leave out `false`: nothing more to try.
    const answer = next as (method: AnyAuthMethod | false) => void;
    this.#attempts.next().then(
      ({ value }) => answer(value ?? false),
      (error) => {
        this.#gaveUp = error;
        answer(false);
      },
    );
  };

  /** The error to reject with if the host refused every method. */
  failure(environment = 'NAME'): TransportError {
    const asks = this.#offers('keyboard-interactive') || this.#offers('password');
    const tried = this.#tried.length > 0 ? `; tried: ${this.#tried.join(', ')}` : '';
    const gaveUp = this.#gaveUp instanceof Error ? `: ${this.#gaveUp.message}` : '';
    const what = this.#gaveUp
      ? `the login was given up${gaveUp}`
      : asks && !this.#prompter
        ? `nobody is logged in, and the host asks for a password or a code${tried}`
        : `the host refused the login${tried}`;
    return new TransportError(
      {
        code: 'METALAB_TRANSPORT_LOGIN',
        what,
        where: formatHop(this.#hop),
        expected: `one of ${this.#left?.join(', ') ?? 'what the host accepts'}`,
        next: `metalab env login ${environment}`,
      },
      { cause: this.#gaveUp },
    );
  }

  #offers(method: string): boolean {
    return this.#left === null || this.#left.includes(method);
  }

  async *#plan(): AsyncGenerator<AnyAuthMethod, void> {
    const username = this.#hop.user;
    // Only asks the host which methods it accepts.
    yield { type: 'none', username };
    yield* this.#keys(username);
    const ask = this.#ask;
    const tries = { 'keyboard-interactive': 0, password: 0 };
    while (ask) {
      // The remaining methods change on the way: a key or password may be the first of two factors.
      const method = (['keyboard-interactive', 'password'] as const).find(
        (name) => this.#offers(name) && tries[name] < TRIES,
      );
      if (!method) return;
      tries[method]++;
      if (method === 'password') {
        const [password = ''] = await ask([{ text: `Password of ${formatHop(this.#hop)}: `, echo: false }]);
        yield { type: 'password', username, password };
      } else yield this.#keyboardInteractive(username, ask);
      this.#tried.push(method);
    }
  }

  /** Keys of the configuration first, then the agent's other keys, then those whose passphrase a person must enter. */
  async *#keys(username: string): AsyncGenerator<AnyAuthMethod, void> {
    const { agent: socket, identitiesOnly } = this.#hop;
    const { files, faults } = await readIdentityFiles(this.#hop.identityFiles);
    const inAgent = socket ? await agentKeys(socket) : [];
    const isConfigured = (key: Buffer) => files.some(({ publicKey }) => publicKey?.equals(key));
    const has = (file: IdentityFile) => inAgent.some((key) => file.publicKey?.equals(key));
    const publickey = (path: string, key: ParsedKey): AnyAuthMethod => {
      this.#tried.push(path);
      return { type: 'publickey', username, key: key as unknown as Buffer };
    };
    if (socket && inAgent.some(isConfigured) && this.#offers('publickey')) {
      this.#tried.push('configured keys of the agent');
      yield { type: 'agent', username, agent: new SelectedKeys(socket, isConfigured) };
    }
    for (const { path, key } of files.filter((file) => !has(file)))
      if (key && this.#offers('publickey')) yield publickey(path, key);
    const others = inAgent.filter((key) => !isConfigured(key));
    if (socket && others.length > 0 && !identitiesOnly && this.#offers('publickey')) {
      this.#tried.push('other keys of the agent');
      yield { type: 'agent', username, agent: new SelectedKeys(socket, (key) => !isConfigured(key)) };
    }
    for (const file of files.filter((one) => !one.key && !has(one))) {
      const key = this.#offers('publickey') ? await this.#unlock(file) : undefined;
      if (key) yield publickey(file.path, key);
      else this.#tried.push(`${file.path} (needs its passphrase)`);
    }
    this.#tried.push(...faults);
  }

  async #unlock(file: IdentityFile): Promise<ParsedKey | undefined> {
    const ask = this.#ask;
    for (let tries = 0; ask && tries < TRIES; tries++) {
      const [passphrase = ''] = await ask([{ text: `Passphrase of ${file.path}: `, echo: false }]);
      const key = passphrase === '' ? undefined : parsePrivateKey(file.content, passphrase);
      if (key && !(key instanceof Error)) return key;
    }
    return undefined;
  }

  #keyboardInteractive(username: string, ask: Ask): AnyAuthMethod {
    return {
      type: 'keyboard-interactive',
      username,
      prompt: (name, instructions, _, prompts, finish) => {
        const asked = prompts.map(({ prompt, echo }) => ({ text: prompt, echo: echo ?? false }));
        ask(asked, [name, instructions].filter(Boolean).join('\n')).then(
          (answers) => finish([...answers]),
          (error) => {
            this.#gaveUp = error;
            this.#attempts.return();
            finish(asked.map(() => ''));
          },
        );
      },
    };
  }

  get #ask(): Ask | undefined {
    const prompter = this.#prompter;
    if (!prompter) return undefined;
    const what = `logging in to ${formatHop(this.#hop)}`;
    return (prompts, said = '') => prompter.ask(prompts, said === '' ? what : `${what}\n${said}`);
  }
}
