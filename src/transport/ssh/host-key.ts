import type { Prompter } from '../prompter.js';
import { TransportError } from '../transport-error.js';
import { fingerprintOf, typeOfKey } from './fingerprint.js';
import { type KnownKey, knownKeysOf, noteKnownKey } from './known-hosts.js';
import { formatHop, type Hop } from './settings.js';

/** ssh2's algorithms without those with SHA-1 signatures, in order of preference for unknown hosts. */
const ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;

/** Signature algorithms to offer: first those of keys in known_hosts, so that the host shows a known key. */
export function hostKeyAlgorithms(hop: Hop): (typeof ALGORITHMS)[number][] {
  const types = new Set(keysToTrust(knownKeysOf(hop.knownAs, hop.knownHostsFiles)).map(({ type }) => type));
  const isKnown = (name: string) => types.has(name.startsWith('rsa-') ? 'ssh-rsa' : name);
  return [...ALGORITHMS.filter(isKnown), ...ALGORITHMS.filter((name) => !isKnown(name))];
}

/**
 * Verifies a host's key: returns if the key is known, or if a person confirms it; then it is noted.
 *
 * @throws TransportError with code METALAB_TRANSPORT_HOST_KEY
 */
export async function verifyHostKey(hop: Hop, key: Buffer, prompter: Prompter | undefined): Promise<void> {
  const known = knownKeysOf(hop.knownAs, hop.knownHostsFiles);
  const revoked = known.find((one) => one.marker === 'revoked' && one.key.equals(key));
  if (revoked)
    throw hostKeyError(
      hop,
      `${shown(key)} is revoked`,
      `remove @revoked from ${revoked.where} if that is wrong`,
    );
  const trusted = keysToTrust(known);
  if (trusted.some((one) => one.key.equals(key))) return;
  if (trusted.length > 0) throw changed(hop, key, trusted);
  const authority = known.find(({ marker }) => marker === 'cert-authority');
  if (authority) {
    throw hostKeyError(
      hop,
      `known by a certificate authority only (${authority.where}), which metalab can't verify`,
      `add the host's own key to ${hop.knownHostsFiles[0]}`,
    );
  }
  if (hop.strictHostKeyChecking !== 'accept-new') await askAbout(hop, key, prompter);
  const [file] = hop.knownHostsFiles;
  if (file) await noteKnownKey(file, hop.knownAs, key, hop.hashKnownHosts);
}

async function askAbout(hop: Hop, key: Buffer, prompter: Prompter | undefined): Promise<void> {
  const unknown = `an unknown host shows ${shown(key)}`;
  if (hop.strictHostKeyChecking === 'yes' || !prompter) {
    throw hostKeyError(
      hop,
      unknown,
      `compare it with the key that its administrators publish; \`metalab env login\` on a terminal asks for confirmation, as does ${scan(hop)}`,
    );
  }
  const text = `${formatHop(hop)} is not known. It shows ${shown(key)}.\nIs that right (yes/no)? `;
  const [answer] = await prompter.ask([{ text, echo: true }], `the host key of ${hop.knownAs}`);
  if (answer?.trim().toLowerCase() !== 'yes' && answer?.trim() !== fingerprintOf(key))
    throw hostKeyError(hop, `${unknown}, and that was not confirmed`);
}

function changed(hop: Hop, key: Buffer, trusted: readonly KnownKey[]): TransportError {
  const before = trusted.map((one) => `${shown(one.key)} (${one.where})`).join(', ');
  return hostKeyError(
    hop,
    `the host's key has changed: it shows ${shown(key)}, the known key is ${before}. Somebody may be intercepting the connection`,
    `ask its administrators; if they changed it: ssh-keygen -R '${hop.knownAs}' -f ${trusted[0]!.where.replace(/:\d+$/, '')}`,
  );
}

const keysToTrust = (known: readonly KnownKey[]) => known.filter(({ marker }) => marker === null);
const shown = (key: Buffer) => `${typeOfKey(key)} ${fingerprintOf(key)}`;
const scan = (hop: Hop) => `\`ssh -p ${hop.port} ${hop.host}\``;

const hostKeyError = (hop: Hop, what: string, next?: string) =>
  new TransportError({
    code: 'METALAB_TRANSPORT_HOST_KEY',
    what,
    where: formatHop(hop),
    ...(next && { next }),
  });
