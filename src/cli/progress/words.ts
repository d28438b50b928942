/** 0.42 s, 12.3 s, 4 min 10 s, 2 h 5 min, 3 d 4 h. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const [minutes, hours, days] = [
    Math.floor(seconds / 60),
    Math.floor(seconds / 3600),
    Math.floor(seconds / 86_400),
  ];
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${days} d ${hours % 24} h`;
}

/** 12,345 · 45.6 · 0.52 */
export function formatRate(perSecond: number): string {
  if (perSecond >= 100) return `${formatCount(Math.round(perSecond))} runs/s`;
  if (perSecond >= 0.1) return `${perSecond.toPrecision(3)} runs/s`;
  return `${(perSecond * 3600).toPrecision(3)} runs/h`;
}

/** Whole numbers with thousands' separators, the same on every machine. */
export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** Up to 5 significant digits, without trailing zeros. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  return String(Number(value.toPrecision(5)));
}
