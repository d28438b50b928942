import { homedir, userInfo } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { TransportError } from '../transport-error.js';
import { type HostConfig, readHostConfig } from './read-config.js';
import type { Hop, SshDependencies, SshSettings } from './settings.js';

const MAX_HOPS = 8;
const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * The connections that lead to a gateway: its jump hosts in order, then itself. The settings override ~/.ssh/config,
 * which overrides OpenSSH's defaults.
 *
 * @throws TransportError with code METALAB_TRANSPORT_CONFIG
 */
export function resolveHops(settings: SshSettings, dependencies: SshDependencies = {}): readonly Hop[] {
  const hops = resolveInto([], settings, dependencies);
  return hops;
}

function resolveInto(
  through: readonly string[],
  settings: SshSettings,
  dependencies: SshDependencies,
): Hop[] {
  const { env: given = process.env } = dependencies;
  const env = typeof given === 'function' ? given() : given;
  const home = env.HOME || homedir();
  const own = dependencies.configFile ?? env.METALAB_SSH_CONFIG;
  const files = own ? [own] : [join(home, '.ssh', 'config'), '/etc/ssh/ssh_config'];
  if (through.length > MAX_HOPS)
    throw configError(settings.host, `more than ${MAX_HOPS} jumps: ${through.join(', ')}`);
  const config = readHostConfig(files, settings.host, settings.user, home);
  const hop = hopOf(settings, config, dependencies, env, home);
  const jumps = settings.jump?.length ? settings.jump : jumpsOf(config, settings.host);
  // As in OpenSSH, only the first jump host may itself be behind others: the list defines how the rest is reached.
  return [
    ...jumps.flatMap((jump, index) => {
      const next = { ...parseJump(jump), ...(settings.ssh_key && { ssh_key: settings.ssh_key }) };
      const hops = resolveInto([...through, jump], next, dependencies);
      return index === 0 ? hops : hops.slice(-1);
    }),
    hop,
  ];
}

function hopOf(
  settings: SshSettings,
  config: HostConfig,
  { knownHostsFile }: SshDependencies,
  env: { readonly [name: string]: string | undefined },
  home: string,
): Hop {
  const one = (keyword: string) => [config[keyword] ?? []].flat()[0];
  const user = settings.user ?? one('user') ?? userInfo().username;
  const host = (one('hostname') ?? settings.host).replaceAll('%h', settings.host).replaceAll('%%', '%');
  const port = settings.port ?? Number(one('port') ?? 22);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw configError(settings.host, `Port ${one('port')} is no port`);
  const expand = (path: string) => expandPath(path, { home, host, port, user, name: settings.host, env });
  const alias = one('hostkeyalias');
  const strict = one('stricthostkeychecking')?.toLowerCase();
  const configured = [config.identityfile ?? []].flat().filter((path) => path.toLowerCase() !== 'none');
  const identityFiles = settings.ssh_key ? [settings.ssh_key, ...configured] : configured;
  return {
    host,
    port,
    user,
    identityFiles: (identityFiles.length > 0
      ? identityFiles
      : DEFAULT_KEYS.map((name) => join(home, '.ssh', name))
    ).map(expand),
    identitiesOnly: one('identitiesonly')?.toLowerCase() === 'yes',
    agent: agentOf(one('identityagent'), env, expand),
    knownAs: alias ?? (port === 22 ? host : `[${host}]:${port}`),
    knownHostsFiles: knownHostsFile
      ? [knownHostsFile]
      : [
          ...words(config.userknownhostsfile, ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
          ...words(config.globalknownhostsfile, ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
        ].map(expand),
    // `no` would accept any host as the gateway: it is treated as `ask`.
    strictHostKeyChecking: strict === 'yes' || strict === 'accept-new' ? strict : 'ask',
    hashKnownHosts: one('hashknownhosts')?.toLowerCase() === 'yes',
  };
}

function words(value: HostConfig[string], otherwise: readonly string[]): readonly string[] {
  return value === undefined ? otherwise : [value].flat().filter((path) => path.toLowerCase() !== 'none');
}

function agentOf(
  value: string | undefined,
  env: { readonly [name: string]: string | undefined },
  expand: (path: string) => string,
): string | null {
  if (value?.toLowerCase() === 'none') return null;
  if (value === undefined || value === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK || null;
  if (/^\$\w+$/.test(value)) return env[value.slice(1)] || null;
  return expand(value);
}

function jumpsOf(config: HostConfig, host: string): readonly string[] {
  const jump = [config.proxyjump ?? []].flat()[0];
  if (jump && jump.toLowerCase() !== 'none') return jump.split(',').map((part) => part.trim());
  const command = [config.proxycommand ?? []].flat()[0];
  if (jump === undefined && command && command.toLowerCase() !== 'none')
    throw configError(
      host,
      'ProxyCommand is not supported by metalab',
      'a ProxyJump, in ~/.ssh/config or as `jump`',
    );
  return [];
}

/** `[user@]host[:port]`, an IPv6 address in brackets, or the same as an ssh:// address. */
function parseJump(text: string): SshSettings {
  const parts = /^(?:ssh:\/\/)?(?:([^@]+)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text);
  if (!parts) throw configError(text, 'is not a jump host', '[user@]host[:port]');
  const [, user, host, port] = parts;
  return {
    host: host!.replace(/^\[|\]$/g, ''),
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port: Number(port) }),
  };
}

interface Tokens {
  readonly home: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly name: string;
  readonly env: { readonly [name: string]: string | undefined };
}

function expandPath(path: string, { home, host, port, user, name, env }: Tokens): string {
  const tokens: { readonly [token: string]: string } = {
    '%': '%',
    d: home,
    h: host,
    n: name,
    p: String(port),
    r: user,
    u: userInfo().username,
  };
  const expanded = path
    .replace(/^~(?=\/|$)/, home)
    .replace(/\$\{(\w+)\}/g, (_, variable: string) => env[variable] ?? '')
    .replace(/%(.)/g, (whole, token: string) => tokens[token] ?? whole);
  return isAbsolute(expanded) ? expanded : join(home, expanded);
}

const configError = (where: string, what: string, expected?: string) =>
  new TransportError({ code: 'METALAB_TRANSPORT_CONFIG', what, where, ...(expected && { expected }) });
