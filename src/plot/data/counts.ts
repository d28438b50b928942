import type { Bins } from '../../results/query/histogram.js';
import type { Results } from '../../results/results.js';
import type { PlotData, PlotRow } from '../plot-data.js';
import type { ResolvedPlot } from '../plot-request.js';
import { numberAxes, onlyFinite } from './finite-runs.js';
import { LabelCollector, limitLabels } from './labels.js';
import { labelsOf, refuseCategories } from './means.js';

const MAX_BINS = 40;

/** Hist: how many runs have a number in each bin, or each value of another type. The query counts, over all runs. */
export async function readCounts(results: Results, plot: ResolvedPlot): Promise<PlotData> {
  const { group, facet, logX, logY } = plot;
  const x = plot.x!;
  const binned = x.column.type === 'number';
  const { runs, notes } = await onlyFinite(results, binned ? numberAxes([x, logX]) : []);
  const by = [group, facet].flatMap((each) => (each ? [each.name] : []));
  const series = new LabelCollector(group ? [group.name] : []);
  const facets = new LabelCollector(facet ? [facet.name] : []);
  const xLabels = new LabelCollector([x.name]);
  const counted = binned ? await countBins(runs, x.name, by, logX) : await countValues(runs, x.name, by);
  const drawn = logY ? counted.filter(({ n }) => n > 0) : counted;
  const rows = drawn.map(({ keys, ends, cell, n }): PlotRow => {
    const place = ends ? { x: ends[0], x2: ends[1] } : { x: xLabels.add([cell]) };
    return {
      ...place,
      y: n,
      n,
      ...(group ? { series: series.add([keys[0]]) } : {}),
      ...(facet ? { facet: facets.add([keys[by.length - 1]]) } : {}),
    };
  });
  const limited = limitLabels(rows, {
    series: labelsOf(series, group ? [group.name] : []),
    facets: labelsOf(facets, facet ? [facet.name] : []),
  });
  const xAxis = { title: x.name, log: logX, ...(binned ? {} : { categories: xLabels.labels().names }) };
  refuseCategories([xAxis], plot.kind);
  return {
    kind: plot.kind,
    title: plot.title,
    x: xAxis,
    y: { title: 'runs', log: logY },
    ...limited,
    notes: [...notes, ...limited.notes],
  };
}

type Counted = {
  readonly keys: readonly Parameters<LabelCollector['add']>[0][number][];
  readonly n: number;
  readonly ends?: readonly [number, number];
  readonly cell?: Parameters<LabelCollector['add']>[0][number];
};

async function countBins(runs: Results, x: string, by: readonly string[], log: boolean): Promise<Counted[]> {
  const { groups } = await runs.sort().groupBy().stats(x, ['min', 'max']);
  const { min, max, n = 0 } = groups[0]?.summaries[0] ?? {};
  if (n === 0 || typeof min !== 'number' || typeof max !== 'number') return [];
  const bins = binsBetween(min, max, n, log);
  const end = (bin: number) => {
    // Without the rounding errors of the sum.
    const value = Number((bins.low + bin * bins.width).toPrecision(12));
    return log ? 10 ** value : value;
  };
  const counts = await runs.histogram(x, bins, by);
  // Where nothing is between two bins, the chart says so.
  const missing = Array.from({ length: by.length === 0 ? bins.count : 0 }, (_, bin) => bin).filter(
    (bin) => !counts.some((count) => count.bin === bin),
  );
  const all = [...counts, ...missing.map((bin) => ({ keys: [], bin, n: 0 }))].sort((a, b) => a.bin - b.bin);
  return all.map(({ keys, bin, n }) => ({ keys, n, ends: [end(bin), end(bin + 1)] }));
}

async function countValues(runs: Results, x: string, by: readonly string[]): Promise<Counted[]> {
  const { groups } = await runs
    .sort()
    .groupBy(...by, x)
    .stats([], []);
  return groups.map(({ keys, n }) => ({ keys, n, cell: keys[by.length] }));
}

/**
 * Bins whose width is 1, 2 or 5 times a power of ten; as many as the square root of the number of runs, at most 40. The last
 * has its upper end too, so that accuracies of 1 are in the bin below 1.
 */
export function binsBetween(min: number, max: number, n: number, log: boolean): Bins {
  const [from, to] = log ? [Math.log10(min), Math.log10(max)] : [min, max];
  const range = to - from;
  if (range <= Math.abs(from) * 1e-12) {
    const width = log ? 0.1 : Math.abs(from) / 10 || 1;
    return { low: from - width / 2, width, count: 1, log };
  }
  const least = range / Math.min(MAX_BINS, Math.max(5, Math.ceil(Math.sqrt(n))));
  const power = 10 ** Math.floor(Math.log10(least));
  const width = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= least * (1 - 1e-9))!;
  const low = Math.floor(from / width) * width;
  return { low, width, count: Math.max(1, Math.ceil((to - low) / width - 1e-9)), log };
}
