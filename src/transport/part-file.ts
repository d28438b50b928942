import { temporaryName } from '../storage/file/owner.js';

const MAX_NAME_BYTES = 255;

/** A hidden name beside a file, to be renamed to it later. Never longer than file names may be. */
export function partFileBeside(path: string): string {
  const slash = path.lastIndexOf('/') + 1;
  const end = `.${temporaryName()}.part`;
  let name = path.slice(slash);
  while (Buffer.byteLength(name) + end.length + 1 > MAX_NAME_BYTES) name = name.slice(0, -1);
  return `${path.slice(0, slash)}.${name}${end}`;
}
