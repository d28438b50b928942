import { opendir, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { StoreError } from '../../../definition/errors.js';
import { isTemporary } from '../check/leftovers.js';
import { faultCode, storeFault } from '../faults.js';
import { segmentKindOf } from '../layout.js';
import { readText } from '../read-json.js';

/**
 * How a file of an experiment is brought together with the same one of another store. `lines` and `pack`: both only grow,
 * and have holes where something was taken out. `named`: by the SHA-256 of its content. `latest`: JSON that says when it
 * was written. `fixed`: written once. `table`: computed from segments, and of use only with the same ones.
 */
export type FileRule = 'lines' | 'pack' | 'named' | 'latest' | 'fixed' | 'table';

export interface TransferFile {
  /** In the experiment's folder, with `/`. */
  readonly path: string;
  readonly rule: FileRule;
  /** Bytes that it had when it was listed: what is appended later is not transferred. */
  readonly size: number;
  /** Of `latest`: what it said when it was listed, since it may be rewritten. */
  readonly text?: string;
}

export interface TransferChoice {
  readonly artifacts: boolean;
  readonly logs: boolean;
}

/**
 * In the order in which they are listed. What others refer to comes after them: what is listed there was written before,
 * so that a store is whole that is copied while a sweep writes to it.
 */
const FOLDERS = [
  ...['runs', 'older-runs', 'series'],
  ...['segments', 'derived', 'submissions', 'declarations', 'bundles', 'packs', 'artifacts'],
];

/** What one process, or one engine, has for itself: values of environment variables, what runs now. */
const NOT_TRANSFERRED = /^submissions\/[^/]+\/(?:env\.json$|live\/|arrays\/)/;

/**
 * The files of an experiment that a copy of it has, those first that others refer to; `experiment.json`, by which the
 * experiment is found, last. What is in quarantine is not among them.
 *
 * @param folder the experiment's
 */
export async function listTransferFiles(folder: string, choice: TransferChoice): Promise<TransferFile[]> {
  const files: TransferFile[] = [];
  const manifest = await fileAt(folder, 'experiment.json');
  if (manifest) files.push(manifest);
  for (const name of FOLDERS) {
    if (!choice.artifacts && (name === 'packs' || name === 'artifacts')) continue;
    for await (const path of walk(join(folder, name))) {
      const inside = relative(folder, path).split(sep).join('/');
      if (NOT_TRANSFERRED.test(inside) || (!choice.logs && isLog(inside))) continue;
      const file = await fileAt(folder, inside);
      if (file) files.push(file);
    }
  }
  return files.reverse();
}

const isLog = (path: string) =>
  /^submissions\/[^/]+\/slurm-out\//.test(path) ||
  (path.startsWith('segments/') && segmentKindOf(path.slice(path.lastIndexOf('/') + 1)) === 'logs');

async function fileAt(folder: string, path: string): Promise<TransferFile | undefined> {
  const found = await stat(join(folder, path)).catch((error: unknown) => {
    if (faultCode(error) !== 'ENOENT') throw storeFault(error, join(folder, path));
  });
  if (!found?.isFile()) return undefined;
  const rule = ruleOf(path);
  if (rule !== 'latest') return { path, rule, size: found.size };
  const text = await readText(join(folder, path));
  return text === undefined ? undefined : { path, rule, size: Buffer.byteLength(text), text };
}

/** Files, without temporary ones. Links are not followed: none is metalab's. */
async function* walk(folder: string): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(folder)) {
      if (isTemporary(entry.name)) continue;
      if (entry.isDirectory()) yield* walk(join(folder, entry.name));
      else if (entry.isFile()) yield join(folder, entry.name);
    }
  } catch (error) {
    if (faultCode(error) !== 'ENOENT') throw storeFault(error, folder);
  }
}

/** @param path in an experiment's folder, with `/` */
export function ruleOf(path: string): FileRule {
  if (/^(?:(?:segments|derived)\/.*\.ndjson|submissions\/[^/]+\/slurm-out\/.*)$/.test(path)) return 'lines';
  if (path.startsWith('packs/')) return 'pack';
  if (/^(?:runs|older-runs|series)\//.test(path)) return 'table';
  if (nameOfContent(path) !== undefined) return 'named';
  if (/^(?:experiment|derived\/[^/]+|submissions\/[^/]+\/outcome)\.json$/.test(path)) return 'latest';
  return 'fixed';
}

/** The SHA-256 of its content that a file is named by; undefined where it is not. */
export function nameOfContent(path: string): string | undefined {
  const [, ...shas] =
    /^(?:artifacts\/([0-9a-f]{64})|declarations\/([0-9a-f]{64})\.json|bundles\/([0-9a-f]{64})\/operation\.mjs)$/.exec(
      path,
    ) ?? [];
  return shas.find((sha) => sha !== undefined);
}

/** @throws StoreError where a path from elsewhere, as an archive's, leads out of an experiment's folder */
export function checkTransferPath(path: string, where: string): string {
  const parts = path.split('/');
  const isInside = parts.every(
    (part) => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part),
  );
  const isKnown =
    path === 'experiment.json' || FOLDERS.some((folder) => parts[0] === folder && parts.length > 1);
  if (isInside && isKnown && !NOT_TRANSFERRED.test(path)) return path;
  throw new StoreError({
    code: 'METALAB_ARCHIVE_PATH',
    where,
    what: `has a file ${JSON.stringify(path)}`,
    expected: `experiment.json, or a file in one of ${FOLDERS.join(', ')}`,
    next: 'nothing was imported: ask whoever made the archive for another',
  });
}
