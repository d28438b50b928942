import type { ArtifactDescriptor } from '../../definition/record.js';
import { sha256 } from '../../identity/fingerprint.js';

/** Endings that differ from the format's name; `bytes` says nothing of what they are. */
const ENDINGS: { readonly [format: string]: string } = { text: '.txt', 'vega-lite': '.vl.json', bytes: '' };
const MAX_BYTES = 180;
/** Windows has devices of these names in every folder. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?=\.|$)/i;

/** Names of files for a run's artifacts, with the ending of their format; all different, in whatever case. */
export function artifactFileNames(
  artifacts: readonly Pick<ArtifactDescriptor, 'name' | 'format'>[],
): string[] {
  const used = new Set<string>();
  return artifacts.map(({ name, format }) => {
    const ending = ENDINGS[format] ?? (/^[\w-]{1,16}$/.test(format) ? `.${format}` : '');
    const stem = ending !== '' && name.endsWith(ending) ? name.slice(0, -ending.length) : name;
    const safe = safeFileName(stem);
    let file = `${safe}${ending}`;
    for (let number = 2; used.has(file.toLowerCase()); number++) file = `${safe} (${number})${ending}`;
    used.add(file.toLowerCase());
    return file;
  });
}

/** What can't be in a file's name everywhere is written as in a URL: `a/b` is `a%2Fb`. A long name is cut, and hashed. */
function safeFileName(name: string): string {
  const safe = name
    .toWellFormed()
    .replace(/[^\p{L}\p{N} ._()+,=@-]|^[. ]|[. ]$/gu, encode)
    .replace(DEVICE, (device) => `%${device}`);
  if (safe === '') return '%';
  if (Buffer.byteLength(safe) <= MAX_BYTES) return safe;
  const cut = Buffer.from(safe)
    .subarray(0, MAX_BYTES - 20)
    .toString()
    .replace(/\uFFFD+$/u, '');
  return `${cut}~${sha256(name).slice(0, 12)}`;
}

const encode = (character: string) =>
  [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
