import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { FileStore } from '../../storage/file/file-store.js';
import { type Archived, type ArchiveOptions, writeArchive } from '../../storage/file/transfer/archive.js';
import { compressing, compressionOf } from '../../storage/file/transfer/compression.js';
import { type NewFile, writeNewFile } from '../../storage/file/write-new-file.js';

/**
 * Writes experiments of a store to one file, which appears when it is complete.
 *
 * @throws UsageError where the name is not that of an archive, or the file exists; StoreError where the store can't be read
 */
export async function exportStore(
  store: FileStore,
  file: NewFile,
  options: ArchiveOptions,
): Promise<Archived> {
  const compression = compressionOf(file.target);
  let archived: Archived | undefined;
  await writeNewFile(file, async (path) => {
    const target = createWriteStream(path);
    const compressor = await compressing(compression);
    if (!compressor) archived = await writeArchive(store, target, options);
    else {
      const writing = pipeline(compressor, target);
      // Whichever fails first is the error; it ends the other.
      [archived] = await Promise.all([writeArchive(store, compressor, options), writing]);
    }
  });
  return archived!;
}
