import type { Results } from '../results/results.js';
import type { PlotData } from './plot-data.js';
import type { PlotRequest } from './plot-request.js';

/**
 * Asks the results for what a chart shows: means with their 95 % confidence intervals, single runs, bins or curves.
 *
 * @throws UsageError if the request can't be drawn
 */
export async function readPlotData(results: Results, request: PlotRequest): Promise<PlotData> {
  const { resolveRequest } = await import('./plot-request.js');
  const plot = await resolveRequest(results, request);
  switch (plot.kind) {
    case 'scatter':
      return (await import('./data/single-runs.js')).readSingleRuns(results, plot);
    case 'hist':
      return (await import('./data/counts.js')).readCounts(results, plot);
    case 'curve':
      return (await import('./data/curves.js')).readCurves(results, plot);
    default:
      return (await import('./data/means.js')).readMeans(results, plot);
  }
}
