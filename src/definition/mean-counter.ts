import type { MetricValue } from './record.js';
import { MAX_MEANS, type RunningMeans } from './running-mean.js';

/** Running means of the first numeric metrics (Welford 1962). NaN and infinities are left out. */
export class MeanCounter {
  readonly #sums = new Map<string, { n: number; mean: number; m2: number }>();

  add(metrics: { readonly [name: string]: MetricValue }): void {
    for (const name in metrics) {
      const value = metrics[name];
      if (typeof value === 'number' && Number.isFinite(value)) this.#addOne(name, value);
    }
  }

  toMeans(): RunningMeans {
    return Object.fromEntries([...this.#sums].map(([name, sum]) => [name, { ...sum }]));
  }

  #addOne(name: string, value: number): void {
    let sum = this.#sums.get(name);
    if (!sum) {
      if (this.#sums.size >= MAX_MEANS) return;
      sum = { n: 0, mean: 0, m2: 0 };
      this.#sums.set(name, sum);
    }
    sum.n++;
    const delta = value - sum.mean;
    sum.mean += delta / sum.n;
    sum.m2 += delta * (value - sum.mean);
  }
}
