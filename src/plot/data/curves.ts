import { UsageError } from '../../definition/errors.js';
import { oneOfNearest } from '../../definition/nearest.js';
import { meanInterval } from '../../results/query/statistics.js';
import type { Results } from '../../results/results.js';
import type { PlotData, PlotRow } from '../plot-data.js';
import type { ResolvedPlot } from '../plot-request.js';
import { notePositive, noteUnsuccessful } from './finite-runs.js';
import { LabelCollector, limitLabels } from './labels.js';
import { interval, labelsOf, meanTitle, noteCutIntervals, noteNonfinite } from './means.js';
import { notePooledParams } from './pooled-params.js';

/** A curve with more points looks the same. */
const MAX_STEPS = 500;

/** Curve: a stepped metric's mean over the runs at each step, one curve for each group or combination of params. */
export async function readCurves(results: Results, plot: ResolvedPlot): Promise<PlotData> {
  const name = plot.series!;
  const { group, facet, logX, logY } = plot;
  const runs = results.successful();
  const asked = group
    ? [group.name]
    : (await varyingParams(results)).filter((param) => param !== facet?.name);
  // Runs of older declarations are no replicates: what tells them apart comes after the columns that were asked for.
  const { by } = await runs
    .sort()
    .limit(1)
    .groupBy(...asked)
    .stats([], []);
  const series = new LabelCollector(by);
  const facets = new LabelCollector(facet ? [facet.name] : []);
  const members: { run_id: string; series?: string; facet?: string }[] = [];
  for await (const row of runs.select(...new Set(['run_id', ...by, ...(facet ? [facet.name] : [])])).rows())
    members.push({
      run_id: String(row.run_id),
      ...(by.length > 0 ? { series: series.add(by.map((column) => row[column])) } : {}),
      ...(facet ? { facet: facets.add([row[facet.name]]) } : {}),
    });
  const limited = limitLabels(members, {
    series: labelsOf(series, by),
    facets: labelsOf(facets, facet ? [facet.name] : []),
  });
  const { curves, nonfinite } = await readMoments(results, name, limited.rows);
  const notPositive = { x: 0, y: 0 };
  const rows = curves.flatMap(({ series, facet, steps }) =>
    [...steps]
      .sort(([a], [b]) => a - b)
      .flatMap(([step, { n, mean, squares }]): PlotRow[] => {
        if (logX && step <= 0) notPositive.x++;
        else if (logY && mean <= 0) notPositive.y++;
        else {
          const std = n < 2 ? null : Math.sqrt(squares / (n - 1));
          const ends = meanInterval(n, mean, std);
          const label = {
            ...(series === undefined ? {} : { series }),
            ...(facet === undefined ? {} : { facet }),
          };
          return [{ x: step, y: mean, ...interval(ends?.low, ends?.high), n, ...label }];
        }
        return [];
      }),
  );
  const thinned = thin(rows);
  return {
    kind: plot.kind,
    title: plot.title,
    x: { title: 'step', log: logX },
    y: { title: meanTitle(name, rows), log: logY },
    ...limited,
    rows: thinned.rows,
    notes: [
      ...noteUnsuccessful((await results.count()) - (await runs.count())),
      ...noteNonfinite(nonfinite, name),
      ...notePositive(notPositive.x, 'step'),
      ...notePositive(notPositive.y, name),
      ...noteCutIntervals(thinned.rows, logY),
      ...(thinned.every > 1 ? [`one of every ${thinned.every} steps is drawn`] : []),
      ...(await notePooledParams(runs, [...by, ...(facet ? [facet.name] : [])])),
      ...limited.notes,
    ],
  };
}

async function varyingParams(results: Results): Promise<string[]> {
  return (await results.columns())
    .filter(({ kind, varies }) => kind === 'param' && varies)
    .map(({ name }) => name);
}

/** Of the values at one step: their number, mean, and sum of squared differences from it (Welford 1962). */
interface Moments {
  n: number;
  mean: number;
  squares: number;
}

interface Curve {
  readonly series: string | undefined;
  readonly facet: string | undefined;
  readonly steps: Map<number, Moments>;
}

async function readMoments(
  results: Results,
  name: string,
  members: readonly { readonly run_id: string; readonly series?: string; readonly facet?: string }[],
): Promise<{ readonly curves: readonly Curve[]; readonly nonfinite: number }> {
  const curves = new Map<string, Curve>();
  const curveOf = new Map<string, Curve>();
  for (const { run_id, series, facet } of members) {
    const key = JSON.stringify([series, facet]);
    const curve = curves.get(key) ?? { series, facet, steps: new Map() };
    curves.set(key, curve);
    curveOf.set(run_id, curve);
  }
  const names = await results.seriesNames();
  if (!names.includes(name) && curveOf.size > 0) throw unknownSeries(name, names);
  let nonfinite = 0;
  for await (const point of results.successful().seriesPoints(name)) {
    const curve = curveOf.get(point.run_id);
    if (!curve) continue;
    if (!Number.isFinite(point.value)) nonfinite++;
    else addTo(curve.steps, point.step, point.value);
  }
  return { curves: [...curves.values()], nonfinite };
}

function addTo(steps: Map<number, Moments>, step: number, value: number): void {
  const moments = steps.get(step) ?? { n: 0, mean: 0, squares: 0 };
  steps.set(step, moments);
  moments.n++;
  const difference = value - moments.mean;
  moments.mean += difference / moments.n;
  moments.squares += difference * (value - moments.mean);
}

/** Rows of every k-th step, so that no more are drawn than can be seen. */
function thin(rows: readonly PlotRow[]): { readonly rows: readonly PlotRow[]; readonly every: number } {
  const steps = [...new Set(rows.map(({ x }) => x as number))].sort((a, b) => a - b);
  const every = Math.ceil(steps.length / MAX_STEPS);
  if (every <= 1) return { rows, every: 1 };
  const kept = new Set(steps.filter((_, index) => index % every === 0 || index === steps.length - 1));
  return { rows: rows.filter(({ x }) => kept.has(x as number)), every };
}

const unknownSeries = (name: string, names: readonly string[]) =>
  new UsageError({
    code: 'METALAB_UNKNOWN_SERIES',
    where: '--y',
    what: `no run has a series '${name}'`,
    expected:
      names.length > 0
        ? oneOfNearest(name, names)
        : "a metric captured with a step: capture.metric('loss', value, { step }); or --x, which other kinds need",
  });
