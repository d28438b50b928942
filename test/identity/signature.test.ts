import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SigningKey } from '../../src/identity/signature.js';

const key = new SigningKey(randomBytes(32));
const document = { purpose: 'submission', store: 'file:///a', options: { slots: null, fresh: false } };
const signature = key.sign(document);

describe('a signature', () => {
  test('is valid for the same document, in whatever order its keys are', () => {
    const { options, ...rest } = document;
    expect(key.verify({ options: { fresh: false, slots: options.slots }, ...rest }, signature)).toBe('valid');
  });

  test('is of no other document, and of no other purpose', () => {
    expect(key.verify({ ...document, store: 'file:///b' }, signature)).toBe('altered');
    expect(key.verify({ ...document, purpose: 'cancel' }, signature)).toBe('altered');
    expect(key.verify({ ...document, more: 1 }, signature)).toBe('altered');
    expect(key.verify({ purpose: 'submission', store: undefined, options: [] }, signature)).toBe('altered');
  });

  test('of another key is told from one that is missing or no signature', () => {
    expect(new SigningKey(randomBytes(32)).verify(document, signature)).toBe('other-key');
    for (const none of [undefined, null, '', 7, {}, 'abc', `${signature}x`, ` ${signature}`])
      expect(key.verify(document, none)).toBe('unsigned');
  });

  test('of any single bit changed is not valid', () => {
    const mac = Buffer.from(signature.slice(13), 'base64url');
    for (let bit = 0; bit < mac.length * 8; bit++) {
      const changed = Buffer.from(mac);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(key.verify(document, `${key.fingerprint}.${changed.toString('base64url')}`)).toBe('altered');
    }
  });
});

test('a key of less than 32 bytes is refused', () => {
  expect(() => new SigningKey(randomBytes(31))).toThrow('at least 32 bytes');
});
