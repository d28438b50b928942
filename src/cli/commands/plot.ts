import type { PlotData } from '../../plot/plot-data.js';
import type { PlotKind } from '../../plot/plot-kinds.js';
import type { CommandContext, CommandDefinition, CommonOptions } from '../command.js';
import { parseCondition, parsePlotKind } from '../parse-options.js';

interface PlotOptions extends CommonOptions {
  readonly kind?: PlotKind;
  readonly x?: string;
  readonly y?: string;
  readonly value?: string;
  readonly group?: string;
  readonly facet?: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly title?: string;
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
    {
      flags: '--where <condition>',
      description: 'only runs that match, e.g. opt=adam; may be repeated',
      repeatable: true,
      parse: parseCondition,
    },
    { flags: '--all', description: 'runs of older code, contexts, params and seeds too' },
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
    const [{ resolveExperiment }, { resultsOf }, { warnOfDamage }, { readPlotData }] = await Promise.all([
      import('../../client/resolve/resolve-experiment.js'),
      import('../../results/results.js'),
      import('../format/warn-of-damage.js'),
      import('../../plot/read-plot-data.js'),
    ]);
    await checkTargets(options);
    const store = await context.store();
    const results = resultsOf(store, await resolveExperiment(store, exp));
    try {
      const query = (options.all ? results.all() : results).matching(options.where ?? []);
      const data = await readPlotData(query, options);
      warnOfDamage(await results.damaged(), context);
      await show(data, options, context);
      for (const note of data.notes) context.note(context.color.dim(note));
    } finally {
      await results.close();
    }
    return undefined;
  },
};

/** Before anything is read, so that nobody waits for a refusal. */
async function checkTargets({ out, spec, force }: PlotOptions): Promise<void> {
  const { refuseExisting } = await import('../format/write-output.js');
  if (out !== undefined) {
    const { plotFormatOf } = await import('../../plot/render.js');
    plotFormatOf(out);
    if (!force) await refuseExisting(out, '--out');
  }
  if (spec !== undefined && spec !== '-' && !force) await refuseExisting(spec, '--spec');
}

async function show(data: PlotData, { out, spec }: PlotOptions, context: CommandContext): Promise<void> {
  if (data.rows.length === 0) context.note('no runs to draw');
  if (out === undefined && spec === undefined) {
    const { terminalChart } = await import('../../plot/terminal-chart.js');
    if (data.rows.length > 0) context.out(terminalChart(data, context.width));
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
