/** What a configuration says of a gateway. It wins over ~/.ssh/config. */
export interface SshSettings {
  /** A host name, or an alias of ~/.ssh/config. */
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
  /** Path of a private key. */
  readonly ssh_key?: string;
  /** Hosts to go through, in order, each `[user@]host[:port]` or an alias. Empty: what ~/.ssh/config says. */
  readonly jump?: readonly string[];
}

type SshEnvironment = { readonly [name: string]: string | undefined };

/** Where this machine keeps what SSH needs. Tests give their own. */
export interface SshDependencies {
  /** Asked whenever a connection is made, where it is a function. Default: the process's. */
  readonly env?: SshEnvironment | (() => SshEnvironment);
  /** In place of METALAB_SSH_CONFIG, and of ~/.ssh/config with /etc/ssh/ssh_config. */
  readonly configFile?: string;
  /** In place of what the configuration files and OpenSSH's defaults say. */
  readonly knownHostsFile?: string;
}

/** One connection on the way to the gateway, the last of them being the gateway's own. */
export interface Hop {
  /** As it was written: an alias, perhaps. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Private keys to try, in order, those that exist or not. */
  readonly identityFiles: readonly string[];
  /** Only these keys, whatever else the agent has. */
  readonly identitiesOnly: boolean;
  /** The agent's socket. */
  readonly agent: string | null;
  /** What known_hosts calls it. */
  readonly knownAs: string;
  /** The first is where a new host is noted. */
  readonly knownHostsFiles: readonly string[];
  readonly strictHostKeyChecking: 'ask' | 'yes' | 'accept-new';
  readonly hashKnownHosts: boolean;
}

export const formatHop = (hop: Pick<Hop, 'user' | 'host' | 'port'>): string =>
  `${hop.user}@${hop.host}${hop.port === 22 ? '' : `:${hop.port}`}`;
