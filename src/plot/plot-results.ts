import type { Results } from '../results/results.js';
import type { PlotRequest } from './plot-request.js';
import { readPlotData } from './read-plot-data.js';
import { type VegaLiteSpec, vegaLiteSpec } from './vega-lite-spec.js';

/**
 * The chart of some results as a Vega-Lite spec with its data, and what was left out of it, as sentences.
 *
 * @throws UsageError if a column is unknown, or the request can't be drawn
 */
export async function plotResults(
  results: Results,
  request: PlotRequest,
): Promise<{ readonly spec: VegaLiteSpec; readonly notes: readonly string[] }> {
  const data = await readPlotData(results, request);
  return { spec: vegaLiteSpec(data), notes: data.notes };
}
