import type { Occurrence } from '../../storage/file/runs-file.js';
import type { Cell } from '../query/rows.js';
import type { Database } from './database.js';

/** Finds the params and metrics that occur in the view `runs`, by code and context. */
export async function findOccurrences(database: Database): Promise<Occurrence[]> {
  return [...(await occurrencesIn(database, 'params')), ...(await occurrencesIn(database, 'metrics'))];
}

// Tried over 1,000,000 records: json_group_structure takes 1.7 to 3.3 s, this 1.2 s.
async function occurrencesIn(database: Database, source: Occurrence['source']): Promise<Occurrence[]> {
  const pointer = `'/' || replace(replace(key, '~', '~0'), '/', '~1')`;
  const rows = await database.all(`
    SELECT code_fingerprint, context_fingerprint, key, json_type(${source}, ${pointer}) AS type,
      count(*) AS n, min(value) AS least, max(value) AS most
    FROM (
      SELECT *, json_extract_string(${source}, ${pointer}) AS value
      FROM (
        SELECT code_fingerprint, context_fingerprint, ${source}, unnest(json_keys(${source})) AS key
        FROM runs WHERE json_type(${source}) = 'OBJECT'
      )
    )
    GROUP BY ALL`);
  const textOf = (cell: Cell | undefined) => (cell === null ? null : String(cell ?? ''));
  return rows.map(({ code_fingerprint, context_fingerprint, key, type, n, least, most }) => ({
    source,
    code_fingerprint: String(code_fingerprint),
    context_fingerprint: String(context_fingerprint),
    key: String(key),
    type: String(type),
    n: Number(n),
    least: textOf(least),
    most: textOf(most),
  }));
}
