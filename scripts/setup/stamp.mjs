import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

/** A stamp says for which inputs a part was done. */
export const digest = (inputs) => createHash('sha256').update(inputs.join('\0')).digest('hex');

export const writeStamp = (file, inputs) => writeFileSync(file, digest(inputs));

export function hasStamp(file, inputs) {
  try {
    return readFileSync(file, 'utf8') === digest(inputs);
  } catch {
    return false;
  }
}
