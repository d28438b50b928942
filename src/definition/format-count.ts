/** Whole numbers with thousands' separators, the same on every machine. */
export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** `1 run`, `1,000 runs`. */
export const countOf = (count: number, what: string): string =>
  `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
