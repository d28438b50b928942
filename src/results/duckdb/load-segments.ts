import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { sizeOf } from '../../storage/file/file-size.js';
import { holdsMalformedText, mendedText } from '../../storage/file/malformed-text.js';
import type { UncoveredSegment } from '../../storage/file/uncovered.js';
import { type Database, globLiteral, quoteText } from './database.js';
import { PLACE_COLUMNS, RECORD_COLUMNS } from './record-columns.js';

/** DuckDB sizes its buffers by the longest line that it must take: the second only where the first does not do. */
const LONGEST_LINE_BYTES = [1024 * 1024, 64 * 1024 * 1024];
/** More than this is not held in memory, but in a file beside: some 50,000 records. */
const IN_MEMORY_BYTES = 32 * 1024 * 1024;

/** Lines that are no records are rows without a run_id. */
const IS_RECORD = `run_id IS NOT NULL AND status IN ('success', 'failed', 'cancelled')`;

/**
 * Makes `loaded`: every record of the segments' uncovered lines, with its `place`, which is unique.
 *
 * @returns how many lines are damaged: no records, and left out
 */
export async function loadSegments(
  database: Database,
  segments: readonly UncoveredSegment[],
  options: { readonly compacted: boolean; readonly ofCurrent: string },
): Promise<number> {
  if (segments.length === 0) {
    await makeEmpty(database);
    return 0;
  }
  const sources: Source[] = [];
  for (const [index, segment] of segments.entries()) {
    const { name, path, from } = segment;
    const base = from > 0 && options.compacted ? await lastOffset(database, name) : 0;
    const cut = from > 0 || (await sizeOf(path)) !== segment.to;
    sources.push({ name, base, path: cut ? await copyLines(database, segment, index) : path });
  }
  const bytes = segments.reduce((sum, { from, to }) => sum + to - from, 0);
  await loadLines(database, sources, bytes, options.ofCurrent);
  let damaged = await countDamaged(database, segments);
  if (damaged.lines > 0 && (await mendSources(database, sources, damaged.segments))) {
    await database.run('DROP TABLE sources');
    await loadLines(database, sources, bytes, options.ofCurrent);
    damaged = await countDamaged(database, segments);
  }
  await database.run(`CREATE VIEW loaded AS SELECT * FROM lines WHERE ${IS_RECORD}`);
  return damaged.lines;
}

/** Makes `sources`, and `lines`: every line of theirs, those that are no records too. */
async function loadLines(
  database: Database,
  sources: readonly Source[],
  bytes: number,
  ofCurrent: string,
): Promise<void> {
  await database.run(`
    CREATE TABLE sources AS
    SELECT * FROM (VALUES ${sources.map(({ name, base, path }) => `(${quoteText(path)}, ${quoteText(name)}, ${base})`).join(', ')})
    AS sources (path, segment, base)`);
  for (const longest of LONGEST_LINE_BYTES) {
    const records = recordsSql(sources, longest, ofCurrent);
    try {
      if (bytes <= IN_MEMORY_BYTES) await database.run(`CREATE OR REPLACE TABLE lines AS ${records}`);
      else {
        const file = database.scratch.file('lines.parquet');
        await database.run(`COPY (${records}) TO ${quoteText(file)} (FORMAT parquet, ROW_GROUP_SIZE 8192)`);
        await database.run(
          `CREATE OR REPLACE VIEW lines AS SELECT * FROM read_parquet(${quoteText(globLiteral(file))})`,
        );
      }
      break;
    } catch (error) {
      if (longest === LONGEST_LINE_BYTES.at(-1) || !String(error).includes('maximum_object_size'))
        throw error;
    }
  }
}

interface Source {
  /** What is read: the segment, or a copy of what is wanted of it. */
  path: string;
  readonly name: string;
  /** What the places in its segment count from. */
  readonly base: number;
}

/** In one thread, DuckDB numbers the rows in the order of the segments and of their lines. */
function recordsSql(sources: readonly Source[], longest: number, ofCurrent: string): string {
  const schema = Object.entries(RECORD_COLUMNS).map(([name, type]) => `${quoteText(name)}: '${type}'`);
  const paths = sources.map(({ path }) => quoteText(globLiteral(path)));
  return `
    SELECT records.* EXCLUDE (filename), sources.segment, sources.base + place AS segment_offset
    FROM (
      SELECT *, row_number() OVER () AS place
      FROM read_json([${paths.join(', ')}], format = 'newline_delimited', columns = {${schema.join(', ')}},
        ignore_errors = true, filename = true, maximum_object_size = ${longest})
    ) AS records JOIN sources ON sources.path = records.filename
    WHERE (${ofCurrent}) OR (${IS_RECORD}) IS NOT true`;
}

/**
 * DuckDB takes a record with half of a surrogate pair, as older versions wrote them, for no JSON: it gets a copy of
 * such segments in which U+FFFD stands for the half.
 *
 * @returns whether there are any
 */
async function mendSources(
  database: Database,
  sources: readonly Source[],
  damaged: ReadonlySet<string>,
): Promise<boolean> {
  let any = false;
  for (const [index, source] of sources.entries()) {
    if (!damaged.has(source.name) || !(await holdsMalformedText(source.path))) continue;
    const copy = database.scratch.file(`mended-${index}.ndjson`);
    await pipeline(createReadStream(source.path), mendedText, createWriteStream(copy));
    source.path = copy;
    any = true;
  }
  return any;
}

async function countDamaged(database: Database, segments: readonly UncoveredSegment[]) {
  const rows = await database.all(
    `SELECT segment, count(*) AS n FROM lines WHERE (${IS_RECORD}) IS NOT true GROUP BY segment`,
  );
  const damaged = { lines: 0, segments: new Set<string>() };
  for (const { segment, n } of rows) {
    const { path, from, to } = segments.find(({ name }) => name === segment)!;
    // One that has grown since may have been read while its last line was being written.
    if (from > 0 || (await sizeOf(path)) === to) damaged.lines += Number(n);
    damaged.segments.add(String(segment));
  }
  return damaged;
}

async function makeEmpty(database: Database): Promise<void> {
  const columns = Object.entries({ ...RECORD_COLUMNS, place: 'BIGINT', ...PLACE_COLUMNS });
  const list = columns.map(([name, type]) => `"${name}" ${type}`).join(', ');
  await database.run(`CREATE TABLE loaded (${list})`);
}

/**
 * Of a segment that is covered in part, or ends with a torn line, NUL bytes, or one that is being written: DuckDB takes a
 * last line without its newline for whole, and NUL bytes for a line that is too long.
 */
async function copyLines(
  database: Database,
  { path, from, to }: UncoveredSegment,
  index: number,
): Promise<string> {
  const copy = database.scratch.file(`lines-${index}.ndjson`);
  await pipeline(createReadStream(path, { start: from, end: to - 1 }), createWriteStream(copy));
  return copy;
}

async function lastOffset(database: Database, segment: string): Promise<number> {
  const [row] = await database.all(
    `SELECT max(segment_offset) AS last FROM compacted WHERE segment = ${quoteText(segment)}`,
  );
  return Number(row?.last ?? 0);
}
