import { createHash } from 'node:crypto';

/** A public key's fingerprint as OpenSSH shows it: `SHA256:` and base64 without its padding. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

/** The type that a public key in SSH's wire format names: `ssh-ed25519`. */
export const typeOfKey = (key: Buffer): string => key.toString('latin1', 4, 4 + key.readUInt32BE(0));
