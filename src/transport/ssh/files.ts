import type { SFTPWrapper, Stats } from 'ssh2';
import { partFileBeside } from '../part-file.js';
import type { PutOptions, TransferOptions } from '../transport.js';
import { fileError } from '../transport-error.js';
import type { Session } from './session.js';
import { SftpTransfer } from './sftp.js';

const TIDYING_MS = 5_000;

/**
 * Writes a file there under a temporary name, and renames it once it is complete, replacing an existing one. If that
 * fails, at most a hidden `.part` file is left.
 */
export async function writeRemoteFile(
  session: Session,
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  options: PutOptions = {},
): Promise<void> {
  const transfer = await SftpTransfer.begin(session, path, options);
  const temporary = partFileBeside(path);
  const { mode } = options;
  const open = () =>
    transfer.ask<Buffer>((sftp, done) => sftp.open(temporary, 'wx', { mode: mode ?? 0o666 }, done));
  let handle: Buffer | undefined;
  try {
    // The folders usually exist: they are created only if they don't.
    handle = await open().catch(async (error) => {
      if (!(await makeFolders(transfer, folderOf(path)))) throw error;
      return open();
    });
    const opened = handle;
    // The mode given to open went through the umask.
    if (mode !== undefined) await transfer.tell((sftp, done) => sftp.fchmod(opened, mode, done));
    await transfer.write(opened, chunks);
    await transfer.tell((sftp, done) => sftp.close(opened, done));
    await replace(transfer, temporary, path);
  } catch (error) {
    const tidied = tidy(session, temporary, handle);
    if (!transfer.aborted) await tidied;
    throw error;
  } finally {
    transfer.end();
  }
}

async function tidy(session: Session, temporary: string, handle: Buffer | undefined): Promise<void> {
  if (!handle || !session.live) return;
  const transfer = await SftpTransfer.begin(session, temporary, { timeout_ms: TIDYING_MS });
  try {
    await transfer.succeeds((sftp, done) => sftp.close(handle, done));
    await transfer.succeeds((sftp, done) => sftp.unlink(temporary, done));
  } catch {
    // The connection is lost: a hidden `.part` file stays.
  } finally {
    transfer.end();
  }
}

/** A file's bytes from an offset to its current end. */
export async function* readRemoteFile(
  session: Session,
  path: string,
  offset = 0,
  options: TransferOptions = {},
): AsyncIterable<Uint8Array> {
  const transfer = await SftpTransfer.begin(session, path, options);
  try {
    const status = await transfer.ask<Stats>((sftp, done) => sftp.stat(path, done));
    if (!status.isFile()) throw fileError(session.place, path, 'is not a file');
    const handle = await transfer.ask<Buffer>((sftp, done) => sftp.open(path, 'r', done));
    try {
      yield* transfer.read(
        handle,
        offset,
        await transfer.ask<Stats>((sftp, done) => sftp.fstat(handle, done)),
      );
    } finally {
      if (session.live) await transfer.tell((sftp, done) => sftp.close(handle, done));
    }
  } finally {
    transfer.end();
  }
}

const folderOf = (path: string) => path.slice(0, Math.max(path.lastIndexOf('/'), 0));

/** @returns whether the folder was created now */
async function makeFolders(transfer: SftpTransfer, folder: string): Promise<boolean> {
  if (folder === '') return false;
  const make = () => transfer.succeeds((sftp, done) => sftp.mkdir(folder, done));
  if (await make()) return true;
  await makeFolders(transfer, folderOf(folder));
  // Another process may have created it in between, which is as good.
  return (await make()) || transfer.succeeds((sftp, done) => sftp.stat(folder, (error) => done(error)));
}

/** SFTP's own rename refuses to replace a file; OpenSSH's extension does what rename(2) does. */
async function replace(transfer: SftpTransfer, from: string, to: string): Promise<void> {
  const rename = (sftp: SFTPWrapper, done: (error?: Error | null) => void) => sftp.rename(from, to, done);
  if (await renamedByExtension(transfer, from, to)) return;
  if (await transfer.succeeds(rename)) return;
  await transfer.succeeds((sftp, done) => sftp.unlink(to, done));
  await transfer.tell(rename);
}

/** Renames by the extension. @returns false if the server doesn't support it */
async function renamedByExtension(transfer: SftpTransfer, from: string, to: string): Promise<boolean> {
  let extended = true;
  await transfer.tell((sftp, done) => {
    try {
      sftp.ext_openssh_rename(from, to, done);
    } catch {
      extended = false;
      done();
    }
  });
  return extended;
}
