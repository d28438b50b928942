import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { UsageError } from '../../definition/errors.js';
import type { FileStore } from '../../storage/file/file-store.js';
import { makeFolder } from '../../storage/file/make-folder.js';
import { removeOrphans } from '../../storage/file/orphans.js';
import { temporaryName } from '../../storage/file/owner.js';
import { unpackArchive } from '../../storage/file/transfer/archive.js';
import { compressionOf, decompressing } from '../../storage/file/transfer/compression.js';
import type { CopiedExperiment } from '../../storage/file/transfer/copy-experiment.js';
import { resolveExperiments } from '../resolve/resolve-experiment.js';
import { type TransferOptions, transferStore } from './transfer-store.js';

const SCRATCH = '.import.';

/**
 * Copies what an archive has to a store, as {@link transferStore} does. It is unpacked beside the store's experiments first,
 * and verified: of an archive that is not whole nothing is imported.
 *
 * @param file what `exportStore` wrote
 * @param options.experiments prefixes of ids; undefined: all
 * @throws UsageError where there is no such file; StoreError where it is damaged, and as `transferStore`
 */
export async function importArchive(
  file: string,
  to: FileStore,
  options: Omit<TransferOptions, 'experiments' | 'command'> & {
    readonly experiments?: readonly string[] | undefined;
  },
): Promise<CopiedExperiment[]> {
  const compression = compressionOf(file);
  const found = await stat(file).catch((error: unknown) => {
    throw notReadable(file, (error as Error).message);
  });
  if (!found.isFile()) throw notReadable(file, 'it is no file');
  await removeOrphans(to.root, SCRATCH);
  const scratch = join(to.root, `${SCRATCH}${temporaryName()}.tmp`);
  try {
    await makeFolder(scratch);
    const decompressor = await decompressing(compression);
    const bytes = createReadStream(file, { highWaterMark: 1 << 20 });
    // Errors of either are those of the stream that is read.
    const tar = decompressor ? pipeline(bytes, decompressor, () => {}) : bytes;
    const from = await unpackArchive(tar, scratch, file);
    const experiments = await resolveExperiments(from, options.experiments);
    return await transferStore(from, to, { ...options, experiments, command: 'metalab store import' });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const notReadable = (file: string, why: string) =>
  new UsageError({
    code: 'METALAB_ARCHIVE_MISSING',
    where: file,
    what: `can't be read: ${why}`,
    expected: 'a file that metalab store export wrote',
  });
