/** The kinds of charts. Apart from all else, because the command line loads them each time. */
export const PLOT_KINDS = ['line', 'scatter', 'bar', 'hist', 'curve', 'heat'] as const;
export type PlotKind = (typeof PLOT_KINDS)[number];
