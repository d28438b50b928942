import type { PlotKind } from './plot-kinds.js';

/** An axis of numbers, or of categories in their order. */
export interface Axis {
  readonly title: string;
  readonly log: boolean;
  readonly categories?: readonly string[];
}

/** What a chart tells apart by colour or by place: the column's name, and its values in their order. */
export interface Labels {
  readonly title: string;
  readonly names: readonly string[];
  /** Whether all are numbers. */
  readonly numeric: boolean;
}

/** One mark. Its members have the same names whatever the columns are called. */
export interface PlotRow {
  readonly x: number | string;
  /** hist: the other end of the bin. */
  readonly x2?: number;
  readonly y: number | string;
  /** The ends of the mean's 95 % confidence interval: where there are two runs at least. */
  readonly low?: number;
  readonly high?: number;
  /** heat: the colour. */
  readonly value?: number;
  /** How many runs the mark stands for. */
  readonly n?: number;
  readonly series?: string;
  readonly facet?: string;
}

/** All that a chart shows. */
export interface PlotData {
  readonly kind: PlotKind;
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  /** heat: what the colour means. */
  readonly valueTitle?: string;
  readonly series?: Labels;
  readonly facets?: Labels;
  readonly rows: readonly PlotRow[];
  /** What was left out or pooled, for the reader. */
  readonly notes: readonly string[];
}
