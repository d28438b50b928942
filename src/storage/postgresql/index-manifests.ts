import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { currentDerivations } from '../file/formats/derived.js';
import { listManifestFiles } from '../file/manifest-files.js';
import { readText } from '../file/read-json.js';
import { type Derivations, updateDerived } from './index-batch.js';

/** Reads the manifests that changed since the last time. */
export async function indexManifests(client: Client, experiment: string, folder: string): Promise<void> {
  const { rows } = await client.query<{ path: string; version: string }>(
    'SELECT path, version FROM manifest_files WHERE experiment = $1',
    [experiment],
  );
  const known = new Map(rows.map(({ path, version }) => [path, version]));
  const gone = new Set(known.keys());
  for (const path of await listManifestFiles(folder)) {
    const version = await versionOf(join(folder, path));
    if (version === undefined) continue;
    gone.delete(path);
    if (known.get(path) === version) continue;
    const content = await readText(join(folder, path));
    // A damaged one counts as missing, as for all who read it.
    if (content === undefined || !isJson(content)) continue;
    await client.query(
      `INSERT INTO manifest_files VALUES ($1, $2, $3, $4)
       ON CONFLICT (experiment, path) DO UPDATE SET version = EXCLUDED.version, content = EXCLUDED.content`,
      [experiment, path, version, content],
    );
  }
  if (gone.size > 0)
    await client.query('DELETE FROM manifest_files WHERE experiment = $1 AND path = ANY($2)', [
      experiment,
      [...gone],
    ]);
}

async function versionOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found && `${found.size} ${found.mtimeMs} ${found.ino}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return !text.includes('\0');
  } catch {
    return false;
  }
}

/** Which derivations count now. Where that has changed, derived metrics of all runs are made again. */
export async function indexDerivations(
  client: Client,
  experiment: string,
  folder: string,
): Promise<Derivations> {
  const derivations = await currentDerivations(folder);
  const now = JSON.stringify(Object.fromEntries([...derivations].sort()));
  const { rowCount } = await client.query(
    `INSERT INTO experiments VALUES ($1, $2) ON CONFLICT (experiment)
     DO UPDATE SET derivations = EXCLUDED.derivations WHERE experiments.derivations <> EXCLUDED.derivations`,
    [experiment, now],
  );
  if (!rowCount) return derivations;
  await client.query(`UPDATE runs SET derived = '{}' WHERE experiment = $1 AND derived <> '{}'`, [
    experiment,
  ]);
  await updateDerived(client, experiment, derivations);
  return derivations;
}
