import type { Endpoint } from './connector.js';

/**
 * What a service provides, as it is reached at another address.
 *
 * @param value its host and port are replaced if it is a uri
 */
export function locationAt(value: string, { host, port }: Endpoint): string {
  const [, before, after] = /^([a-z][a-z0-9+.-]*:\/\/(?:[^@/?#]*@)?)[^/?#]*(.*)$/is.exec(value) ?? [];
  if (before === undefined) return value;
  return `${before}${host.includes(':') ? `[${host}]` : host}:${port}${after}`;
}
