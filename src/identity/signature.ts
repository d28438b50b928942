import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from './canonical.js';

/** The minimum length of a key. */
export const MIN_KEY_BYTES = 32;

/** `unsigned`: there is no signature, or none that this version can read. */
export type SignatureStatus = 'valid' | 'unsigned' | 'other-key' | 'altered';

/**
 * A secret key that signs documents: HMAC-SHA256 (RFC 2104) of their canonical JSON (RFC 8785). A document names its
 * purpose, so that its signature is not valid for another purpose.
 */
export class SigningKey {
  /** Identifies the key without revealing it: 12 hex digits. */
  readonly fingerprint: string;
  readonly #secret: Uint8Array;

  constructor(secret: Uint8Array) {
    if (secret.length < MIN_KEY_BYTES) throw new RangeError(`a key has at least ${MIN_KEY_BYTES} bytes`);
    this.#secret = secret;
    this.fingerprint = this.#mac({ purpose: 'fingerprint' }).toString('hex').slice(0, 12);
  }

  /** @returns `{fingerprint}.{HMAC as base64url}` */
  sign(document: SignedDocument): string {
    return `${this.fingerprint}.${this.#mac(document).toString('base64url')}`;
  }

  /** Checks a signature. Both arguments may be anything. */
  verify(document: SignedDocument, signature: unknown): SignatureStatus {
    const [, fingerprint, mac] =
      /^([0-9a-f]{12})\.([\w-]{43})$/.exec(typeof signature === 'string' ? signature : '') ?? [];
    if (fingerprint === undefined || mac === undefined) return 'unsigned';
    if (fingerprint !== this.fingerprint) return 'other-key';
    try {
      return timingSafeEqual(this.#mac(document), Buffer.from(mac, 'base64url')) ? 'valid' : 'altered';
    } catch {
      // A document without canonical JSON was never signed.
      return 'altered';
    }
  }

  #mac(document: SignedDocument): Buffer {
    return createHmac('sha256', this.#secret).update(canonicalJson(document)).digest();
  }
}

export interface SignedDocument {
  readonly purpose: string;
  readonly [field: string]: unknown;
}
