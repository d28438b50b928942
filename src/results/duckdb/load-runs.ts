import { openRunsFile, type RunsCoverage, type RunsFile } from '../../storage/file/runs-file.js';
import { listUncovered, type UncoveredSegment, wholeLines } from '../../storage/file/uncovered.js';
import { FINAL_RECORD_ORDER } from '../../storage/final-record.js';
import type { Current } from '../current.js';
import { type Database, quoteText } from './database.js';
import { loadSegments } from './load-segments.js';
import { RECORD_LIST } from './record-columns.js';

/** What the view `runs` was made of. */
export interface LoadedRuns {
  /** Of the compacted records, where all runs come from there: then they are in the cells' order, too. */
  readonly coverage: RunsCoverage | undefined;
  /** What the compacted records cover, and what was read beside them: bytes by segment. */
  readonly segments: { readonly [segment: string]: number };
  /** Lines of the segments that were left out, since they are no records. */
  readonly damaged: number;
  close(): Promise<void>;
}

/**
 * Makes the view `runs`: the final record of every run_id, one row each. Of an experiment's compacted records as far as
 * there are any, and of the segments what those don't cover.
 */
export async function loadRuns(
  database: Database,
  folder: string,
  current: Current | null,
): Promise<LoadedRuns> {
  const compacted = await openRunsFile(folder);
  try {
    const covered = compacted?.coverage.segments;
    const uncovered = await wholeLines(await listUncovered(folder, covered));
    const ofCurrent = current
      ? `code_fingerprint = ${quoteText(current.code_fingerprint)} AND context_fingerprint = ${quoteText(current.context_fingerprint)}`
      : 'true';
    if (compacted) await database.run(viewOfCompacted(compacted, ofCurrent));
    let damaged = compacted?.coverage.damaged ?? 0;
    if (uncovered.length > 0 || !compacted) {
      damaged += await loadSegments(database, uncovered, { compacted: compacted !== undefined, ofCurrent });
      await findSuperseded(database, compacted !== undefined);
    }
    await database.run(viewOfRuns(compacted !== undefined, uncovered.length > 0));
    return {
      coverage: uncovered.length === 0 ? compacted?.coverage : undefined,
      segments: { ...covered, ...lengths(uncovered) },
      damaged,
      close: async () => compacted?.close(),
    };
  } catch (error) {
    await compacted?.close();
    throw error;
  }
}

const viewOfCompacted = ({ path }: RunsFile, ofCurrent: string) =>
  `CREATE VIEW compacted AS SELECT * FROM read_parquet(${quoteText(path)}) WHERE ${ofCurrent}`;

const lengths = (segments: readonly UncoveredSegment[]) =>
  Object.fromEntries(segments.map(({ name, to }) => [name, to]));

/**
 * Which records another one of the same run_id beats: few, so that only what orders them is sorted. `place` is that of a
 * loaded record; of a compacted one it is null.
 */
async function findSuperseded(database: Database, compacted: boolean): Promise<void> {
  const keys = 'run_id, generation, status, finished_at, segment, segment_offset';
  const sources = [
    `SELECT ${keys}, place FROM loaded`,
    ...(compacted
      ? [`SELECT ${keys}, NULL AS place FROM compacted SEMI JOIN loaded ON compacted.run_id = loaded.run_id`]
      : []),
  ].join(' UNION ALL ');
  await database.run(`
    CREATE TABLE superseded AS
    WITH records AS (${sources}),
      several AS (SELECT run_id FROM records GROUP BY run_id HAVING count(*) > 1)
    SELECT run_id, place FROM records SEMI JOIN several ON records.run_id = several.run_id
    QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY ${FINAL_RECORD_ORDER}) > 1`);
}

function viewOfRuns(compacted: boolean, loaded: boolean): string {
  const columns = `${RECORD_LIST}, segment, segment_offset`;
  if (compacted && !loaded) return `CREATE VIEW runs AS SELECT ${columns} FROM compacted`;
  const ofLoaded = `
    SELECT ${columns} FROM loaded
    ANTI JOIN (SELECT place FROM superseded WHERE place IS NOT NULL) AS beaten ON loaded.place = beaten.place`;
  const ofCompacted = `
    SELECT ${columns} FROM compacted
    ANTI JOIN (SELECT run_id FROM superseded WHERE place IS NULL) AS beaten ON compacted.run_id = beaten.run_id`;
  return `CREATE VIEW runs AS ${compacted ? `${ofCompacted} UNION ALL` : ''} ${ofLoaded}`;
}
