import type { PlotData } from '../../plot/plot-data.js';
import type { PlotRequest } from '../../plot/plot-request.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { type parseCondition, parsePlotKind } from '../parse-query.js';
import { ALL_OPTION, WHERE_OPTION } from '../results-options.js';
import { withResults } from '../with-results.js';

interface PlotOptions extends CommonOptions, PlotRequest {
  readonly where?: readonly ReturnType<typeof parseCondition>[];
  readonly all?: boolean;
  readonly out?: string;
  readonly spec?: string;
  readonly force?: boolean;
}

export const plotCommand: CommandDefinition<PlotOptions> = {
  name: 'plot',
  summary: 'draw params and metrics as SVG, PNG, PDF, HTML or in the terminal',
  description: `line, bar: the mean of y at each x, with its 95 % confidence interval over the runs. scatter: one point a run, a fixed sample of
10,000 of more. hist: how many runs have each x. curve: a stepped metric y at each step, mean and 95 % band over the runs; one curve
for each --group, or each combination of params. heat: the mean of --value at each x and y. Only successful runs count; what is
left out is counted. At most 20 groups are drawn.`,
  arguments: [{ name: 'exp', description: 'experiment, by any unambiguous prefix of its id' }],
  options: [
    { flags: '--x <column>', description: 'param or metric of the x axis; step: curves' },
    { flags: '--y <column>', description: 'metric of the y axis; without it: hist' },
    { flags: '--group <column>', description: 'one colour for each value of this column' },
    { flags: '--facet <column>', description: 'one small chart for each value of this column' },
    { flags: '--value <metric>', description: 'heat: the metric whose mean is the colour' },
    {
      flags: '--kind <kind>',
      description: 'line, scatter, bar, hist, curve or heat (default: what fits the columns)',
      parse: parsePlotKind,
    },
    { flags: '--log-x', description: 'logarithmic x axis' },
    { flags: '--log-y', description: 'logarithmic y axis' },
    { flags: '--title <text>', description: 'title (default: the experiment)' },
    WHERE_OPTION,
    ALL_OPTION,
    {
      flags: '--out <file>',
      description: 'write FILE.svg, .png, .pdf or .html (default: a chart in the terminal)',
    },
    {
      flags: '--spec <file>',
      description: 'write the Vega-Lite spec with its data as JSON, or - for stdout',
    },
    { flags: '--force', description: 'replace files that exist' },
  ],
  examples: [
    { line: 'plot search --x lr --y loss --log-x', does: 'mean loss with its interval, in the terminal' },
    { line: 'plot search --x lr --y loss --group opt --out loss.svg', does: 'one line for each optimiser' },
    {
      line: 'plot search --kind curve --y loss --group lr --out curves.pdf',
      does: 'learning curves with bands',
    },
    { line: 'plot search --kind hist --x loss --out loss.png', does: 'how the losses are distributed' },
    { line: 'plot search --x lr --y layers --value loss --out heat.html', does: 'a heat map' },
  ],
  store: true,
  async run({ exp = '' }, options, context) {
    await checkTargets(options);
    await withResults(exp, options, context, async (results) => {
      const [{ readPlotData }, { oneLine }] = await Promise.all([
        import('../../plot/read-plot-data.js'),
        import('../../definition/printable.js'),
      ]);
      const data = await readPlotData(results, options);
      await show(data, options, context);
      for (const note of data.notes) context.note(context.color.dim(oneLine(note)));
    });
    return undefined;
  },
};

/** Before anything is read, so that nobody waits for a refusal. */
async function checkTargets({ out, spec, force }: PlotOptions): Promise<void> {
  const { refuseExisting } = await import('../../storage/file/write-new-file.js');
  if (out !== undefined) {
    const { plotFormatOf } = await import('../../plot/render.js');
    plotFormatOf(out);
    if (!force) await refuseExisting({ target: out, option: '--out' });
  }
  if (spec !== undefined && spec !== '-' && !force) await refuseExisting({ target: spec, option: '--spec' });
}

async function show(data: PlotData, { out, spec }: PlotOptions, context: CommandContext): Promise<void> {
  if (data.rows.length === 0) context.note('no runs to draw');
  if (out === undefined && spec === undefined) {
    const [{ terminalChart }, { oneLine }] = await Promise.all([
      import('../../plot/terminal-chart.js'),
      import('../../definition/printable.js'),
    ]);
    const lines = data.rows.length > 0 ? terminalChart(data, context.width).split('\n') : [];
    for (const line of lines) context.out(oneLine(line));
    return;
  }
  const [{ vegaLiteSpec }, { plotFormatOf, renderPlot }, { writeOutput }] = await Promise.all([
    import('../../plot/vega-lite-spec.js'),
    import('../../plot/render.js'),
    import('../format/write-output.js'),
  ]);
  const chart = vegaLiteSpec(data);
  if (spec !== undefined)
    await writeOutput(
      [`${JSON.stringify(chart, null, 2)}\n`],
      { target: spec, option: '--spec', force: true },
      context,
    );
  if (out !== undefined)
    await writeOutput(
      [await renderPlot(chart, plotFormatOf(out))],
      { target: out, option: '--out', force: true },
      context,
    );
}
