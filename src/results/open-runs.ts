import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from '../definition/errors.js';
import { hasWorkingDirectory } from '../storage/capabilities.js';
import type { FileText, LineKind, ResultsStore } from '../storage/store.js';
import { Scratch } from './duckdb/scratch.js';

/** An experiment's runs, as files in the formats of a file store. */
export interface OpenRuns {
  readonly folder: string;
  /** Makes sure that the folder has these lines; records and derived metrics are there from the start. */
  load(kind: 'series' | 'data'): Promise<void>;
  close(): void;
}

/**
 * The experiment's own folder, where the store has one; else a copy of its runs in a scratch folder, in constant memory.
 *
 * @param runs beginnings of run_ids: only these are needed
 */
export async function openRuns(
  store: ResultsStore,
  experimentId: string,
  runs?: readonly string[],
): Promise<OpenRuns> {
  if (hasWorkingDirectory(store))
    return { folder: store.experimentFolder(experimentId), load: async () => {}, close: () => {} };
  const scratch = new Scratch();
  const loaded = new Map<string, Promise<void>>();
  const load = (kind: LineKind) => {
    const known = loaded.get(kind) ?? writeFiles(scratch, store.lines(experimentId, kind, runs));
    loaded.set(kind, known);
    return known;
  };
  try {
    await writeFiles(scratch, store.manifests(experimentId));
    await load('records');
    await load('derived');
    return { folder: scratch.path, load, close: () => scratch.remove() };
  } catch (error) {
    scratch.remove();
    throw error;
  }
}

/** Small texts of the same file are written together. */
const BUFFER_LENGTH = 1 << 20;

async function writeFiles(scratch: Scratch, texts: AsyncIterable<FileText>): Promise<void> {
  let path = '';
  let parts: string[] = [];
  let length = 0;
  const flush = () => {
    if (parts.length > 0) append(scratch, path, parts.join(''));
    parts = [];
    length = 0;
  };
  for await (const { path: next, text } of texts) {
    if (next !== path || length > BUFFER_LENGTH) flush();
    path = next;
    parts.push(text);
    length += text.length;
  }
  flush();
}

function append(scratch: Scratch, path: string, text: string): void {
  // A store elsewhere must not write outside of the scratch folder.
  if (!/^[^/]/.test(path) || path.split(/[/\\]/).includes('..'))
    throw new StoreError({
      code: 'METALAB_STORE_CORRUPT',
      where: path,
      what: 'the store names a file that is not in the folder of an experiment',
      expected: 'a relative path such as segments/{submission}/{writer}.ndjson',
    });
  const file = scratch.file(path);
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, text);
}
