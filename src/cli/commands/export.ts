import type { ColumnKind } from '../../results/export/column-kinds.js';
import type { Exported, ExportFormat } from '../../results/export/exported.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { wholeNumber } from '../parse-options.js';
import { type parseCondition, parseKinds, parseNames, parseSort } from '../parse-query.js';
import { ALL_OPTION, WHERE_OPTION } from '../results-options.js';
import { withResults } from '../with-results.js';

interface ExportCommandOptions extends CommonOptions {
  readonly csv?: string;
  readonly ndjson?: string;
  readonly parquet?: string;
  readonly arrow?: string;
  readonly where?: readonly ReturnType<typeof parseCondition>[];
  readonly columns?: readonly string[];
  readonly with?: readonly ColumnKind[];
  readonly sort?: ReturnType<typeof parseSort>;
  readonly limit?: number;
  readonly all?: boolean;
  readonly series?: readonly (readonly string[])[] | true;
  readonly force?: boolean;
}

export const exportCommand: CommandDefinition<ExportCommandOptions> = {
  name: 'export',
  summary: 'write runs, or their learning curves, to a file for other programs',
  description: `One row a run, by default with run_id, status, params, replicate, metrics and derived metrics. The columns are those of
metalab results. In Parquet and Arrow each has one type: params and metrics that are whole numbers are 64-bit integers,
other numbers are doubles (NaN and infinities too), times are timestamps in UTC, tags are lists, and lists and objects are
JSON as text. Values of another type than the column's own are in NAME (TYPE), and NAME (null) is true where the value is
null. A missing value is null there, an empty cell in CSV, and has no key in NDJSON. In CSV null is the word null, empty
text is "", and text that a spreadsheet would execute gets a ' in front. In NDJSON a number that is not finite is
{"$numberDouble":"NaN"}. With --series there is one row a point: run_id, params, replicate, name, step, value, by name and
step within each run. The file appears when it is complete.`,
  arguments: [{ name: 'exp', description: 'experiment, by any unambiguous prefix of its id' }],
  options: [
    { flags: '--csv <file>', description: 'write CSV, or - for stdout' },
    { flags: '--ndjson <file>', description: 'write one JSON object a line, or - for stdout' },
    { flags: '--parquet <file>', description: 'write Parquet' },
    { flags: '--arrow <file>', description: 'write an Arrow IPC file (Feather 2), or - for stdout' },
    WHERE_OPTION,
    { flags: '--columns <names>', description: 'these columns, in this order', parse: parseNames },
    {
      flags: '--with <kinds>',
      description:
        'the columns of these kinds: params, metrics, derived, fields (times, errors, tags …), fingerprints (code, context, seed_base, submission)',
      parse: parseKinds,
    },
    { flags: '--sort <names>', description: 'sort by these columns; -name: descending', parse: parseSort },
    {
      flags: '--limit <n>',
      description: 'at most this many runs',
      parse: wholeNumber('--limit', 0, 1e9),
    },
    ALL_OPTION,
    {
      flags: '--series [names]',
      description: 'the learning curves of the runs in long form, of these names or of all; may be repeated',
      parse: parseNames,
      repeatable: true,
    },
    { flags: '--force', description: 'replace a file that is there' },
  ],
  examples: [
    { line: 'export pi_mc --parquet pi.parquet', does: 'for pandas, polars, DuckDB' },
    { line: 'export pi_mc --csv pi.csv --where status=success', does: 'for R, or a spreadsheet' },
    {
      line: 'export search --arrow curves.arrow --series loss,accuracy',
      does: 'two learning curves of all runs',
    },
    { line: "export pi_mc --ndjson - --with params | jq '.samples'", does: 'a line of JSON a run' },
  ],
  store: true,
  async run({ exp = '' }, options, context) {
    const target = await targetOf(options);
    await withResults(exp, options, context, async (results) => {
      let query = results;
      if (options.sort) query = query.sort(...options.sort);
      if (options.limit !== undefined) query = query.limit(options.limit);
      if (options.columns) query = query.select(...options.columns);
      const series = options.series === true ? [] : options.series?.flat();
      const exported = await query.exported({
        ...(options.with ? { with: options.with } : {}),
        ...(series ? { series } : {}),
      });
      await write(exported, target, options, context);
    });
    return undefined;
  },
};

interface Target {
  readonly format: ExportFormat;
  readonly file: string;
}

/** @throws UsageError where none is named, or several are, or it is there already */
async function targetOf(options: ExportCommandOptions): Promise<Target> {
  const [{ EXPORT_FORMATS }, { UsageError }, { refuseExisting }] = await Promise.all([
    import('../../results/export/exported.js'),
    import('../../definition/errors.js'),
    import('../../storage/file/write-new-file.js'),
  ]);
  const wrong = (what: string, expected: string) =>
    new UsageError({ code: 'METALAB_EXPORT', what, expected });
  const [target, another] = EXPORT_FORMATS.flatMap((format) => {
    const file = options[format];
    return file === undefined ? [] : [{ format, file }];
  });
  if (!target || another)
    throw wrong(
      target ? 'several files are named' : 'no file is named',
      `one of ${EXPORT_FORMATS.map((format) => `--${format} FILE`).join(', ')}`,
    );
  if (options.columns && options.with) throw wrong("--columns with --with can't be", 'one of them');
  if (target.format === 'parquet' && target.file === '-')
    throw wrong("Parquet can't be written to stdout", '--parquet FILE, or --arrow -');
  // Before anything is read, so that nobody waits for a refusal.
  if (!options.force) await refuseExisting({ target: target.file, option: `--${target.format}` });
  return target;
}

async function write(
  exported: Exported,
  { format, file }: Target,
  { force = false }: ExportCommandOptions,
  context: CommandContext,
): Promise<void> {
  const to = { target: file, option: `--${format}`, force };
  if (format !== 'parquet') {
    const { writeOutput } = await import('../format/write-output.js');
    return writeOutput(exported.pieces(format), to, context);
  }
  await exported.write(to, format);
  context.note(`wrote ${file}`);
}
