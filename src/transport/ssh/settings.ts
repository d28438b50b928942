/** A gateway's settings in metalab's configuration. They override ~/.ssh/config. */
export interface SshSettings {
  /** A host name, or an alias of ~/.ssh/config. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Path of a private key. */
  readonly ssh_key?: string;
  /** Hosts to go through, in order, each `[user@]host[:port]` or an alias. Empty: according to ~/.ssh/config. */
  readonly jump?: readonly string[];
}

type SshEnvironment = { readonly [name: string]: string | undefined };

/** Where this machine keeps what SSH needs. Tests pass their own. */
export interface SshDependencies {
  /** A function is called at each connect. Default: the process's environment. */
  readonly env?: SshEnvironment | (() => SshEnvironment);
  /** Replaces METALAB_SSH_CONFIG, and ~/.ssh/config with /etc/ssh/ssh_config. */
  readonly configFile?: string;
  /** Replaces the value in the configuration files and OpenSSH's defaults. */
  readonly knownHostsFile?: string;
}

/** One connection on the way to the gateway; the last one is to the gateway itself. */
export interface Hop {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private keys to try, in order, whether or not the files exist. */
  readonly identityFiles: readonly string[];
  /** Only these keys, whatever others the agent has. */
  readonly identitiesOnly: boolean;
  /** The agent's socket. */
  readonly agent: string | null;
  /** Its name in known_hosts. */
  readonly knownAs: string;
  /** New hosts are noted in the first file. */
  readonly knownHostsFiles: readonly string[];
  readonly strictHostKeyChecking: 'ask' | 'yes' | 'accept-new';
  readonly hashKnownHosts: boolean;
}

export const formatHop = (hop: Pick<Hop, 'user' | 'host' | 'port'>): string =>
  `${hop.user}@${hop.host}${hop.port === 22 ? '' : `:${hop.port}`}`;
