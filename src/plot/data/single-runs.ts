import type { Results } from '../../results/results.js';
import type { PlotData, PlotRow } from '../plot-data.js';
import type { ResolvedPlot } from '../plot-request.js';
import { numberAxes, onlyFinite } from './finite-runs.js';
import { LabelCollector, limitLabels } from './labels.js';
import { labelsOf, refuseCategories } from './means.js';

const MAX_POINTS = 10_000;

/** Scatter: one point a run. Of more than 10,000, a sample that is always the same. */
export async function readSingleRuns(results: Results, plot: ResolvedPlot): Promise<PlotData> {
  const { group, facet, logX, logY } = plot;
  const x = plot.x!;
  const y = plot.y!;
  const { runs, total, notes } = await onlyFinite(results, numberAxes([x, logX], [y, logY]));
  const numericX = x.column.type === 'number' || x.column.type === 'boolean';
  const series = new LabelCollector(group ? [group.name] : []);
  const facets = new LabelCollector(facet ? [facet.name] : []);
  const xLabels = new LabelCollector([x.name]);
  const names = [...new Set([x, y, group, facet].flatMap((each) => (each ? [each.name] : [])))];
  const rows: PlotRow[] = [];
  // A run's id is a hash, so the first by it are a random sample.
  const sampled = total > MAX_POINTS ? runs.sort('run_id').limit(MAX_POINTS) : runs;
  for await (const row of sampled.select(...names).rows())
    rows.push({
      x: numericX ? Number(row[x.name]) : xLabels.add([row[x.name]]),
      y: Number(row[y.name]),
      ...(group ? { series: series.add([row[group.name]]) } : {}),
      ...(facet ? { facet: facets.add([row[facet.name]]) } : {}),
    });
  const limited = limitLabels(rows, {
    series: labelsOf(series, group ? [group.name] : []),
    facets: labelsOf(facets, facet ? [facet.name] : []),
  });
  const xAxis = {
    title: x.name,
    log: logX,
    ...(numericX ? {} : { categories: xLabels.labels().names }),
  };
  refuseCategories([xAxis], plot.kind);
  return {
    kind: plot.kind,
    title: plot.title,
    x: xAxis,
    y: { title: y.name, log: logY },
    ...limited,
    notes: [
      ...notes,
      ...(total > MAX_POINTS
        ? [
            `a sample of ${MAX_POINTS.toLocaleString('en-US')} of ${total.toLocaleString('en-US')} runs: always the same`,
          ]
        : []),
      ...limited.notes,
    ],
  };
}
