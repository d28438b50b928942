import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { sha256 } from '../../../src/identity/fingerprint.js';
import type { FileStore } from '../../../src/storage/file/file-store.js';
import { PackWriter } from '../../../src/storage/file/formats/pack-writer.js';
import { makeSampleStore, SAMPLE } from '../../../src/testing/sample-store.js';
import { temporaryFolder } from '../../storage/file/temporary-store.js';
import { artifactOf } from '../../support/artifacts.js';
import { recordOf, writeSegment } from '../../support/records.js';

export const WRITER = 'host-5-ee';

/** A store with every kind of file: a second submission has artifacts, one of them large, and logs. */
export async function wholeStore(): Promise<{ readonly store: FileStore; readonly folder: string }> {
  const store = await makeSampleStore(join(temporaryFolder(), 'store'));
  const folder = store.experimentFolder(SAMPLE);
  const packs = new PackWriter(folder, 's2', WRITER);
  const large = randomBytes(3_000_000);
  put(folder, `artifacts/${sha256(large)}`, large);
  const records = [0, 1, 2].map((index) => {
    const artifacts = [artifactOf(packs.store(randomBytes(9_000)), 'small')];
    const content = {
      content_hash: sha256(large),
      size_bytes: large.length,
      uri: `artifacts/${sha256(large)}`,
    };
    if (index === 0) artifacts.push(artifactOf(content, 'large'));
    return recordOf({ index: 20 + index, experiment_id: SAMPLE, artifacts });
  });
  packs.flush();
  const place = { writer: WRITER, submission: 's2', experiment: SAMPLE };
  writeSegment(store, records, place);
  const logs = records.map(({ run_id }) => ({
    run_id,
    attempt: 1,
    generation: 0,
    level: 'info',
    message: 'm',
  }));
  writeSegment(store, logs, { ...place, kind: 'logs' });
  const bundle = 'export const run = 1;';
  put(folder, `bundles/${sha256(bundle)}/operation.mjs`, bundle);
  put(folder, `bundles/${sha256(bundle)}/operation.mjs.map`, '{}');
  put(folder, 'submissions/s2/slurm-out/12_0.out', 'words\n');
  put(folder, 'submissions/s2/enqueued', '');
  // What stays where it is.
  put(folder, 'submissions/s2/env.json', '{"TOKEN":"secret"}');
  put(folder, 'submissions/s2/live/worker.json', '{}');
  put(folder, 'quarantine/segments/s1/bad.ndjson', 'bad');
  put(folder, 'segments/s2/.x.ndjson.12345678-1-aabbccddeeff.tmp', 'half');
  return { store, folder };
}

export function put(folder: string, path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

const LEFT_OUT =
  /(^|\/)(store\.json|lease\.json|env\.json|live|quarantine|runs|series|older-runs)(\/|$)|(^|\/)\.[^/]*$/;

/** What a copy has to have: the hash of each file by its path. */
export function filesOf(root: string): { readonly [path: string]: string } {
  const files: { [path: string]: string } = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !LEFT_OUT.test(relative(root, path)))
      files[relative(root, path)] = sha256(readFileSync(path));
  }
  return files;
}
