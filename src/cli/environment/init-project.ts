import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BASE_FILE, LOCAL_FILE } from '../../config/find-files.js';
import { starterText } from '../../config/starter.js';
import { InfrastructureError, UsageError } from '../../definition/errors.js';

/**
 * Writes the starter.
 *
 * @returns the file, and whether .gitignore has a new line
 * @throws UsageError METALAB_CONFIG_EXISTS; InfrastructureError if the folder can't be written
 */
export async function initProject(folder: string): Promise<{ file: string; ignored: boolean }> {
  try {
    await writeFile(join(folder, BASE_FILE), starterText(basename(folder) || 'lab'), { flag: 'wx' });
  } catch (error) {
    throw unwritten(folder, error as NodeJS.ErrnoException);
  }
  return { file: BASE_FILE, ignored: await ignoreLocalFile(join(folder, '.gitignore')) };
}

function unwritten(folder: string, error: NodeJS.ErrnoException): Error {
  const where = join(folder, BASE_FILE);
  if (error.code !== 'EEXIST')
    return new InfrastructureError(
      { code: 'METALAB_CONFIG_UNWRITABLE', where, what: `can't be written: ${error.message}` },
      { cause: error },
    );
  return new UsageError({
    code: 'METALAB_CONFIG_EXISTS',
    where,
    what: 'is there already',
    next: 'edit it; metalab env list shows what it says',
  });
}

async function ignoreLocalFile(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined || text.split(/\r?\n/).some((line) => line.trim().replace(/^\//, '') === LOCAL_FILE))
    return false;
  await appendFile(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${LOCAL_FILE}\n`);
  return true;
}
