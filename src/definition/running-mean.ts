/** Count, mean and sum of squared deviations of one metric. */
export interface RunningMean {
  readonly n: number;
  readonly mean: number;
  readonly m2: number;
}

export type RunningMeans = { readonly [metric: string]: RunningMean };

/** As many as fit next to a progress bar. This also limits the size of every chunk's report. */
export const MAX_MEANS = 8;

/** Merges means of disjoint samples exactly (Chan, Golub & LeVeque 1979). At most {@link MAX_MEANS} metrics. */
export function mergeMeans(a: RunningMeans, b: RunningMeans): RunningMeans {
  const merged: { [metric: string]: RunningMean } = { ...a };
  for (const [metric, right] of Object.entries(b)) {
    const left = merged[metric];
    if (left) merged[metric] = mergeMean(left, right);
    else if (Object.keys(merged).length < MAX_MEANS) merged[metric] = right;
  }
  return merged;
}

function mergeMean(a: RunningMean, b: RunningMean): RunningMean {
  const n = a.n + b.n;
  if (n === 0) return a;
  const delta = b.mean - a.mean;
  return { n, mean: a.mean + (delta * b.n) / n, m2: a.m2 + b.m2 + (delta * delta * a.n * b.n) / n };
}
