import { UsageError } from '../../definition/errors.js';
import { oneOfNearest } from '../../definition/nearest.js';
import { type NewFile, writeNewFile, writePieces } from '../../storage/file/write-new-file.js';
import { toCsv } from '../csv.js';
import type { QueryEngine } from '../engine.js';
import type { Cell, StoredCell } from '../query/cell.js';
import { fullNameOf } from '../query/columns.js';
import { type RowQuery, resolveSelection, SERIES_NAMES, type Selection } from '../query/selection.js';
import { toArrow } from './arrow.js';
import { type ColumnKind, columnsOfKinds, DEFAULT_KINDS } from './column-kinds.js';
import { toNdjson } from './ndjson.js';
import { typedColumns } from './typed-columns.js';

export const EXPORT_FORMATS = ['csv', 'ndjson', 'parquet', 'arrow'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What is exported. */
export interface ExportOptions {
  /**
   * Which kinds of columns, where none were selected: by default params, metrics and derived metrics, of series only params;
   * with runs of older declarations fingerprints too.
   */
  readonly with?: readonly ColumnKind[];
  /** The learning curves of these names in long form instead of the runs: one row a point. Empty: all. */
  readonly series?: readonly string[];
}

/** Rows of runs, or points of their series, for other programs. */
export class Exported {
  readonly #engine: QueryEngine;
  readonly #selection: Selection;

  private constructor(engine: QueryEngine, selection: Selection) {
    this.#engine = engine;
    this.#selection = selection;
  }

  /**
   * @param all whether the runs are of several declarations
   * @throws UsageError if a column or series is unknown
   */
  static async of(
    engine: QueryEngine,
    query: RowQuery,
    all: boolean,
    { with: kinds, series }: ExportOptions,
  ): Promise<Exported> {
    const { columns } = engine;
    const defaults = series ? (['params'] as const) : DEFAULT_KINDS;
    const wanted = kinds ?? (all ? [...defaults, 'fingerprints'] : defaults);
    const names = query.columns ?? columnsOfKinds(columns, wanted);
    if (!series) return new Exported(engine, resolveSelection({ ...query, columns: names }, columns));
    await checkSeries(engine, series);
    const isAsked = (name: string) => name !== 'run_id' && (query.columns !== undefined || name !== 'status');
    const runColumns = ['run_id', ...names.filter(isAsked)];
    const selection = resolveSelection({ ...query, columns: runColumns }, columns);
    return new Exported(engine, { ...fullyNamed(selection), series });
  }

  /** The names of the columns. */
  get columns(): readonly string[] {
    const { columns, series } = this.#selection;
    return [...columns.map(({ as }) => as), ...(series ? SERIES_NAMES : [])];
  }

  /** Rows of cells in the order of the columns, many at a time. */
  batches(): AsyncIterable<readonly (readonly Cell[])[]> {
    return this.#engine.cells(this.#selection);
  }

  #stored(): AsyncIterable<readonly (readonly StoredCell[])[]> {
    return this.#engine.storedCells(this.#selection);
  }

  /** The contents of a file, as the rows come. */
  pieces(format: Exclude<ExportFormat, 'parquet'>): AsyncIterable<string | Uint8Array> {
    if (format === 'ndjson') return toNdjson(this.columns, this.#stored());
    if (format === 'csv') return toCsv(this.columns, this.#stored());
    const typed = typedColumns(this.#selection, (column) => this.#engine.typesOf(column));
    return toArrow(typed, this.#stored());
  }

  /**
   * Writes a file, which appears when it is complete.
   *
   * @throws UsageError if it exists and is not to be replaced, or can't be written
   */
  async write(file: NewFile, format: ExportFormat): Promise<void> {
    if (format !== 'parquet') await writePieces(file, this.pieces(format));
    else await writeNewFile(file, (path) => this.#engine.writeParquet(this.#selection, path));
  }
}

/** A param may be called step. */
function fullyNamed(selection: Selection): Selection {
  const renamed = selection.columns.map(({ column, as }) => ({
    column,
    as: SERIES_NAMES.includes(as.toLowerCase()) ? fullNameOf(column) : as,
  }));
  return { ...selection, columns: renamed };
}

async function checkSeries(engine: QueryEngine, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const known = await engine.seriesNames();
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new UsageError({
    code: 'METALAB_UNKNOWN_NAME',
    what: `no run has a series '${unknown}'`,
    expected: known.length > 0 ? oneOfNearest(unknown, known) : 'runs that captured metrics by step',
  });
}

/** @throws UsageError naming the formats */
export function exportFormatOf(file: string): ExportFormat {
  const ending = /\.([^./]+)$/.exec(file)?.[1]?.toLowerCase();
  const format = ending === 'feather' ? 'arrow' : EXPORT_FORMATS.find((each) => each === ending);
  if (format) return format;
  throw new UsageError({
    code: 'METALAB_EXPORT',
    where: file,
    what: 'its name does not say the format',
    expected: `a name that ends with ${EXPORT_FORMATS.map((each) => `.${each}`).join(', ')}`,
  });
}
