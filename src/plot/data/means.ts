import { UsageError } from '../../definition/errors.js';
import { countOf } from '../../definition/format-count.js';
import type { Results } from '../../results/results.js';
import { logFloor } from '../log-floor.js';
import type { Axis, Labels, PlotData, PlotRow } from '../plot-data.js';
import type { ResolvedPlot } from '../plot-request.js';
import { notePositive, noteUnsuccessful } from './finite-runs.js';
import { LabelCollector, limitLabels, MAX_CATEGORIES } from './labels.js';
import { notePooledParams } from './pooled-params.js';

const MAX_MARKS = 10_000;

/** Line, bar, heat: the mean of a metric, with its 95 % confidence interval, for each value of x (and y). */
export async function readMeans(results: Results, plot: ResolvedPlot): Promise<PlotData> {
  const { kind, group, facet } = plot;
  const x = plot.x!;
  const y = plot.y!;
  const isHeat = kind === 'heat';
  const metric = isHeat ? plot.value! : y;
  const keys = [group, facet, x, isHeat ? y : undefined].filter((key) => key !== undefined);
  const names = keys.map(({ name }) => name);
  const groups = await results
    .sort()
    .limit(MAX_MARKS)
    .groupBy(...names)
    .stats(metric.name, ['mean', 'ci95']);
  if (groups.total > MAX_MARKS) throw tooManyMarks(kind, groups.total);
  // Runs of older declarations are apart: what tells them apart comes after the keys that were asked for.
  const origins = groups.by.slice(names.length);
  const seriesNames = [...(group ? [group.name] : []), ...(isHeat ? [] : origins)];
  const facetNames = [...(facet ? [facet.name] : []), ...(isHeat ? origins : [])];
  const numericX = kind === 'line' && x.column.type === 'number';
  const collectors = {
    series: new LabelCollector(seriesNames),
    facets: new LabelCollector(facetNames),
    x: new LabelCollector([x.name]),
    y: new LabelCollector([y.name]),
  };
  const left = { nonfinite: 0, others: 0, noNumberX: 0, notPositiveX: 0, notPositiveY: 0 };
  const rows: PlotRow[] = [];
  for (const each of groups.groups) {
    const [summary] = each.summaries;
    left.nonfinite += summary?.nonfinite ?? 0;
    left.others += summary?.others ?? 0;
    const { mean = null, low, high, n = 0 } = summary ?? {};
    const cell = (name: string) => each.keys[groups.by.indexOf(name)];
    const xCell = each.keys[names.length - (isHeat ? 2 : 1)];
    if (mean === null) {
      // Where no run has a finite value there is no mark, but the axes still name the place.
      if (!numericX) collectors.x.add([xCell]);
      if (isHeat) collectors.y.add([each.keys[names.length - 1]]);
      continue;
    }
    if (numericX && !Number.isFinite(xCell)) left.noNumberX += each.n;
    else if (numericX && plot.logX && (xCell as number) <= 0) left.notPositiveX++;
    else if (!isHeat && plot.logY && mean <= 0) left.notPositiveY++;
    else
      rows.push({
        x: numericX ? (xCell as number) : collectors.x.add([xCell]),
        ...(isHeat
          ? { y: collectors.y.add([each.keys[names.length - 1]]), value: mean }
          : { y: mean, ...interval(low, high) }),
        n,
        ...(seriesNames.length > 0 ? { series: collectors.series.add(seriesNames.map(cell)) } : {}),
        ...(facetNames.length > 0 ? { facet: collectors.facets.add(facetNames.map(cell)) } : {}),
      });
  }
  const limited = limitLabels(rows, {
    series: labelsOf(collectors.series, seriesNames),
    facets: labelsOf(collectors.facets, facetNames),
  });
  const xAxis: Axis = {
    title: x.name,
    log: plot.logX,
    ...(numericX ? {} : { categories: collectors.x.labels().names }),
  };
  const yAxis: Axis = isHeat
    ? { title: y.name, log: false, categories: collectors.y.labels().names }
    : { title: meanTitle(metric.name, rows), log: plot.logY };
  refuseCategories([xAxis, yAxis], kind);
  return {
    kind,
    title: plot.title,
    x: xAxis,
    y: yAxis,
    ...(isHeat ? { valueTitle: `mean of ${metric.name}` } : {}),
    ...limited,
    notes: [
      ...noteUnsuccessful(groups.left_out),
      ...noteNonfinite(left.nonfinite, metric.name),
      ...(left.others > 0
        ? [`${countOf(left.others, 'value')} of ${metric.name} that are no numbers left out`]
        : []),
      ...(left.noNumberX > 0
        ? [`${countOf(left.noNumberX, 'run')} without a finite ${x.name} left out`]
        : []),
      ...notePositive(left.notPositiveX, x.name),
      ...notePositive(left.notPositiveY, metric.name),
      ...noteCutIntervals(limited.rows, plot.logY),
      ...(await notePooledParams(results, names)),
      ...limited.notes,
    ],
  };
}

export const noteNonfinite = (n: number, name: string): string[] =>
  n > 0 ? [`${countOf(n, 'value')} of ${name} that are NaN or infinite left out`] : [];

/** On a logarithmic axis, intervals don't reach below {@link logFloor}. */
export function noteCutIntervals(rows: readonly PlotRow[], log: boolean): string[] {
  const floor = log ? logFloor(rows) : Number.NEGATIVE_INFINITY;
  const cut = rows.filter(({ low }) => low !== undefined && low < floor).length;
  return cut > 0 ? [`${countOf(cut, 'interval')} cut off at the bottom: the axis is logarithmic`] : [];
}

/** Says what the marks are, where some have an interval. */
export const meanTitle = (name: string, rows: readonly PlotRow[]): string => {
  if (rows.some(({ low }) => low !== undefined)) return `${name} (mean, 95 % CI)`;
  return rows.some(({ n = 1 }) => n > 1) ? `${name} (mean)` : name;
};

export const interval = (low: number | null | undefined, high: number | null | undefined) =>
  typeof low === 'number' && typeof high === 'number' ? { low, high } : {};

export const labelsOf = (collector: LabelCollector, names: readonly string[]): Labels | undefined =>
  names.length > 0 ? collector.labels() : undefined;

export function refuseCategories(axes: readonly Axis[], kind: string): void {
  const wide = axes.find(({ categories = [] }) => categories.length > MAX_CATEGORIES);
  if (!wide) return;
  throw new UsageError({
    code: 'METALAB_PLOT',
    where: `--kind ${kind}`,
    what: `'${wide.title}' has ${wide.categories!.length} different values: more than an axis can name`,
    expected: `at most ${MAX_CATEGORIES}, e.g. by --where; or --kind line, scatter or hist for numbers`,
  });
}

const tooManyMarks = (kind: string, total: number) =>
  new UsageError({
    code: 'METALAB_PLOT',
    where: `--kind ${kind}`,
    what: `there would be ${total.toLocaleString('en-US')} means`,
    expected: `at most ${MAX_MARKS.toLocaleString('en-US')}: --kind scatter or hist shows single runs, --where chooses some`,
  });
