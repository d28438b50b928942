import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { gzipSync } from 'node:zlib';
import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;

/** Writes a workflow's history as `replay.test.ts` reads it. */
export function writeHistory(path, history, home) {
  const encoded = History.encode(History.fromObject(anonymous(history, home))).finish();
  writeFileSync(path, gzipSync(encoded, { level: 9 }));
  console.log(`${path}: ${history.events.length} events`);
}

/** Nothing of this machine: neither its name nor its paths. */
function anonymous(value, home) {
  const withoutPlaces = (text) => text.replaceAll(hostname(), 'host').replaceAll(home, '/lab');
  if (typeof value === 'string') return withoutPlaces(value);
  if (Buffer.isBuffer(value) || value instanceof Uint8Array)
    return Buffer.from(withoutPlaces(Buffer.from(value).toString('latin1')), 'latin1');
  if (Array.isArray(value)) return value.map((inner) => anonymous(inner, home));
  // Numbers of 64 bits are objects of their own.
  if (typeof value !== 'object' || value === null || 'low' in value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, anonymous(inner, home)]));
}
