import prettyMilliseconds from 'pretty-ms';

/** `50µs`, `3ms 200µs`, `420ms`, `4.1s`, `2m 5s`, `3h 20m`. */
export const formatDuration = (milliseconds: number): string =>
  prettyMilliseconds(milliseconds, {
    unitCount: 2,
    formatSubMilliseconds: milliseconds < 10,
    secondsDecimalDigits: milliseconds < 60_000 ? 1 : 0,
  });
