import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { StoreError } from '../../../definition/errors.js';
import { storeFault } from '../faults.js';
import type { FileStore } from '../file-store.js';
import { folderOf, storeFile } from '../layout.js';
import { makeFolder } from '../make-folder.js';
import { openFileStore } from '../open.js';
import { readText } from '../read-json.js';
import {
  checkTransferPath,
  listTransferFiles,
  type TransferChoice,
  type TransferFile,
} from './list-files.js';

/**
 * An archive is a tar of a store: `store.json`, the files of experiments, and `contents.json`, which says what it has.
 * Unpacked by any program it is a store. It is whole if it ends with its contents, and each file has the hash that they say.
 */

/** What `tar xf` makes. */
const TOP = 'metalab-store';
const CONTENTS = 'contents.json';
const FORMAT = 1;

interface Contents {
  readonly format: number;
  readonly created_at: string;
  readonly files: readonly ArchivedFile[];
}

interface ArchivedFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export interface ArchiveOptions extends TransferChoice {
  readonly experiments: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was written to an archive, without its contents list. */
export interface Archived {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Writes a store's files as a tar, in constant memory but for their list.
 *
 * @param tar gets the bytes
 * @throws StoreError where a file can't be read, or has become shorter meanwhile
 */
export async function writeArchive(
  store: FileStore,
  tar: NodeJS.WritableStream,
  options: ArchiveOptions,
): Promise<Archived> {
  const files: (TransferFile & { readonly name: string; readonly folder: string })[] = [];
  for (const id of options.experiments) {
    const folder = store.experimentFolder(id);
    for (const file of await listTransferFiles(folder, options))
      files.push({ ...file, name: `${folderOf(id)}/${file.path}`, folder });
  }
  const total = files.reduce((sum, { size }) => sum + size, 0);
  const archive = pack();
  let bytes = 0;
  const write = async () => {
    const archived: ArchivedFile[] = [await addText(archive, 'store.json', await storeText(store))];
    for (const { name, folder, path, size, text } of files) {
      options.signal?.throwIfAborted();
      const add =
        text === undefined
          ? addFile(archive, name, { path: join(folder, path), size })
          : addText(archive, name, text);
      archived.push(await add);
      bytes += size;
      options.onProgress?.(bytes, total);
    }
    const contents: Contents = { format: FORMAT, created_at: new Date().toISOString(), files: archived };
    await addText(archive, CONTENTS, `${JSON.stringify(contents)}\n`);
    archive.finalize();
  };
  await Promise.all([
    pipeline(archive, tar),
    write().catch((error: unknown) => {
      archive.destroy(error as Error);
      throw error;
    }),
  ]);
  return { files: files.length, bytes };
}

const storeText = async (store: FileStore) => (await readText(storeFile(store.root)))!;

async function addText(archive: ReturnType<typeof pack>, path: string, text: string): Promise<ArchivedFile> {
  const bytes = Buffer.from(text);
  await new Promise<void>((resolve, reject) => {
    archive.entry({ name: `${TOP}/${path}` }, bytes, (error) => (error ? reject(error) : resolve()));
  });
  return { path, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function addFile(
  archive: ReturnType<typeof pack>,
  name: string,
  { path, size }: { readonly path: string; readonly size: number },
): Promise<ArchivedFile> {
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const source = size === 0 ? Readable.from([]) : createReadStream(path, { end: size - 1 });
  try {
    await pipeline(source, hashed, archive.entry({ name: `${TOP}/${name}`, size }));
  } catch (error) {
    throw storeFault(error, path);
  }
  return { path: name, size, sha256: hash.digest('hex') };
}

/**
 * Unpacks an archive into a folder, which then is a store.
 *
 * @param tar the bytes
 * @param where the archive, for errors
 * @throws StoreError where it is no archive of a store, is cut off or damaged, or names files outside of it
 */
export async function unpackArchive(
  tar: AsyncIterable<Uint8Array>,
  folder: string,
  where: string,
): Promise<FileStore> {
  const entries = extract();
  const reading = pipeline(Readable.from(tar), entries);
  // Where the bytes end within a file, that file's stream may wait for ever.
  const failing = reading.then(() => new Promise<never>(() => {}));
  let unpacked: Unpacked;
  try {
    unpacked = await Promise.race([unpackEntries(entries, folder, where), failing]);
    await reading;
  } catch (error) {
    if (error instanceof StoreError) throw error;
    throw cutOff(where, (error as Error).message);
  }
  checkContents(unpacked, where);
  return openFileStore(folder);
}

interface Unpacked {
  readonly files: ReadonlyMap<string, Omit<ArchivedFile, 'path'>>;
  readonly contents: Contents | undefined;
}

async function unpackEntries(
  entries: ReturnType<typeof extract>,
  folder: string,
  where: string,
): Promise<Unpacked> {
  const files = new Map<string, Omit<ArchivedFile, 'path'>>();
  let contents: Contents | undefined;
  for await (const entry of entries) {
    const { name, type } = entry.header;
    if (type === 'directory') {
      entry.resume();
      continue;
    }
    if (type !== 'file' || !name.startsWith(`${TOP}/`)) throw notOfAStore(where, `has ${type} ${name}`);
    const bytes = entry as AsyncIterable<Buffer>;
    const path = name.slice(TOP.length + 1);
    if (path === CONTENTS) contents = await parseContents(bytes, where);
    else files.set(path, await unpackFile(bytes, join(folder, checkedPath(path, where))));
  }
  return { files, contents };
}

function checkedPath(path: string, where: string): string {
  if (path === 'store.json') return path;
  const [experiment = '', ...rest] = path.split('/');
  if (!/^[^@/\\\0.][^@/\\\0]*@[^@/\\\0]+$/.test(experiment))
    throw notOfAStore(where, `has a file ${JSON.stringify(path)}`);
  return `${experiment}/${checkTransferPath(rest.join('/'), where)}`;
}

async function unpackFile(entry: AsyncIterable<Buffer>, path: string): Promise<Omit<ArchivedFile, 'path'>> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    await makeFolder(dirname(path));
    const counted = new Transform({
      transform(chunk: Buffer, _, done) {
        hash.update(chunk);
        size += chunk.length;
        done(null, chunk);
      },
    });
    await pipeline(entry, counted, createWriteStream(path, { flags: 'wx' }));
  } catch (error) {
    // That of the archive's own bytes is not of this file.
    throw error instanceof Error && 'syscall' in error ? storeFault(error, path) : error;
  }
  return { size, sha256: hash.digest('hex') };
}

/** Of a million files it takes 200 MB. */
const MAX_CONTENTS = 1024 * 1024 * 1024;

async function parseContents(entry: AsyncIterable<Buffer>, where: string): Promise<Contents> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of entry) {
    size += chunk.length;
    if (size > MAX_CONTENTS) throw notOfAStore(where, `has a ${CONTENTS} of more than ${MAX_CONTENTS} bytes`);
    chunks.push(chunk);
  }
  const contents = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Contents;
  if (contents.format === FORMAT && Array.isArray(contents.files)) return contents;
  throw new StoreError({
    code: 'METALAB_ARCHIVE_NEWER',
    where,
    what: `is an archive of format ${contents.format}`,
    expected: `format ${FORMAT}, which this metalab reads`,
    next: 'upgrade metalab (npm install metalab@latest)',
  });
}

function checkContents({ files, contents }: Unpacked, where: string): void {
  if (!contents) throw cutOff(where, `it ends before its ${CONTENTS}`);
  const damaged = contents.files.filter(({ path, size, sha256 }) => {
    const file = files.get(path);
    return file?.size !== size || file.sha256 !== sha256;
  });
  if (damaged.length === 0 && contents.files.length === files.size) return;
  const shown = damaged.slice(0, 5).map(({ path }) => path);
  throw new StoreError({
    code: 'METALAB_ARCHIVE_DAMAGED',
    where,
    what:
      damaged.length > 0
        ? `${damaged.length} files in it are damaged or missing: ${shown.join(', ')}${damaged.length > 5 ? ', …' : ''}`
        : 'it has files that its contents do not name',
    next: 'nothing was imported: export the store again',
  });
}

const cutOff = (where: string, why: string) =>
  new StoreError({
    code: 'METALAB_ARCHIVE_CUT',
    where,
    what: `is damaged or cut off: ${why}`,
    expected: 'a whole file that metalab store export wrote',
    next: 'nothing was imported: transfer the file again, or export it again',
  });

const notOfAStore = (where: string, what: string) =>
  new StoreError({
    code: 'METALAB_ARCHIVE_FOREIGN',
    where,
    what: `is no archive of a store: ${what}`,
    expected: 'a file that metalab store export wrote',
    next: 'nothing was imported',
  });
