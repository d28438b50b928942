import type { IdentityCallback, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2';
import ssh2 from 'ssh2';

/** An agent that offers only some of its keys: a server hangs up after about six keys that it doesn't know. */
export class SelectedKeys extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: InstanceType<typeof ssh2.OpenSSHAgent>;
  readonly #select: (publicKey: Buffer) => boolean;

  /** @param select selects by public key, in SSH's wire format */
  constructor(socket: string, select: (publicKey: Buffer) => boolean) {
    super();
    this.#agent = new ssh2.OpenSSHAgent(socket);
    this.#select = select;
  }

  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    this.#agent.getIdentities((error, keys) => {
      if (error || !keys) return done(error);
      const parsed = keys.flatMap((key) => ssh2.utils.parseKey(key as ParsedKey));
      done(
        undefined,
        parsed.filter(isKey).filter((key) => this.#select(key.getPublicSSH())),
      );
    });
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, done);
  }
}

const isKey = (key: ParsedKey | Error): key is ParsedKey => !(key instanceof Error);

/** The public keys of an agent, in SSH's wire format; none if it doesn't answer. */
export function agentKeys(socket: string): Promise<readonly Buffer[]> {
  return new Promise((resolve) => {
    new SelectedKeys(socket, () => true).getIdentities((_, keys) =>
      resolve((keys ?? []).map((key) => (key as ParsedKey).getPublicSSH())),
    );
  });
}
