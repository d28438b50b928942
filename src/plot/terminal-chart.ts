import { shorten } from '../definition/printable.js';
import type { Axis, PlotData, PlotRow } from './plot-data.js';

const HEIGHT = 16;
const MAX_WIDTH = 72;
const MAX_LABEL = 30;
const MARKERS = '●○▲△■□◆◇★☆✚✖abcdefgh';
const SHADES = ' ░▒▓█';

/** A small chart in text, one below the other where there are facets. */
export function terminalChart(data: PlotData, columns: number): string {
  const width = Math.min(MAX_WIDTH, Math.max(30, columns - 1));
  const draw = data.kind === 'heat' ? heatMap : data.kind === 'bar' || data.kind === 'hist' ? bars : points;
  const charts = data.facets
    ? data.facets.names.map((name) => {
        const rows = data.rows.filter(({ facet }) => facet === name);
        return rows.length === 0 ? '' : `${data.facets!.title}: ${name}\n${draw({ ...data, rows }, width)}`;
      })
    : [draw(data, width)];
  return charts.filter(Boolean).join('\n\n');
}

/** Places a number between the ends of an axis: from 0 to 1. */
function positions(values: readonly number[], log: boolean): (value: number) => number {
  const scale = (value: number) => (log ? Math.log10(value) : value);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [low, high] = [Math.min(low, scale(value)), Math.max(high, scale(value))];
  return (value) => (high === low ? 0.5 : (scale(value) - low) / (high - low));
}

/** Line, curve and scatter: a marker for each point, another one for each series. */
function points(data: PlotData, width: number): string {
  const { rows, series, x, y } = data;
  const xOf = ({ x: value }: PlotRow) => (typeof value === 'number' ? value : x.categories!.indexOf(value));
  const ends = ({ low, high }: PlotRow) =>
    data.kind === 'line' && low !== undefined && high !== undefined && !(y.log && low <= 0)
      ? [low, high]
      : [];
  const yValues = rows.flatMap((row) => [row.y as number, ...ends(row)]);
  const xAt = positions(rows.map(xOf), x.log);
  const yAt = positions(yValues, y.log);
  const labels = extremes(yValues).map(shortNumber).reverse();
  const margin = Math.max(...labels.map((label) => label.length));
  const columns = width - margin - 2;
  const grid = Array.from({ length: HEIGHT }, () => Array<string>(columns).fill(' '));
  const lineAt = (value: number) => HEIGHT - 1 - Math.round(yAt(value) * (HEIGHT - 1));
  const columnAt = (row: PlotRow) => Math.round(xAt(xOf(row)) * (columns - 1));
  for (const row of rows) {
    const [low, high] = ends(row).map(lineAt);
    for (let line = high ?? 1; line <= (low ?? 0); line++) grid[line]![columnAt(row)] = '┆';
  }
  for (const row of rows) {
    const marker = series ? (MARKERS[series.names.indexOf(row.series!) % MARKERS.length] ?? '●') : '●';
    grid[lineAt(row.y as number)]![columnAt(row)] = marker;
  }
  const lines = grid.map((cells, index) => {
    const label = index === 0 ? labels[0]! : index === HEIGHT - 1 ? labels[1]! : '';
    return `${label.padStart(margin)} │${cells.join('').trimEnd()}`;
  });
  const [first, last] = x.categories
    ? [x.categories[0]!, x.categories.at(-1)!]
    : extremes(rows.map(xOf)).map(shortNumber);
  const foot = `${' '.repeat(margin + 2)}${first}${last!.padStart(Math.max(last!.length + 1, columns - first!.length))}`;
  return [
    titleOf(y),
    ...lines,
    `${' '.repeat(margin)} └${'─'.repeat(columns)}`,
    foot,
    `${' '.repeat(margin + 2)}${titleOf(x)}`,
    ...legendOf(data, width),
  ].join('\n');
}

const extremes = (values: readonly number[]): [number, number] => {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
};

const titleOf = ({ title, log }: Axis) => `${title}${log ? ' (log)' : ''}`;

function legendOf({ series }: PlotData, width: number): string[] {
  if (!series) return [];
  const entries = series.names.map((name, index) => `${MARKERS[index % MARKERS.length]} ${name}`);
  const line = `${series.title}: ${entries.join('   ')}`;
  return line.length <= width ? [line] : [`${series.title}:`, ...entries.map((entry) => `  ${entry}`)];
}

/** Bar and hist: a bar to the right for each row, from 0, and its number. */
function bars(data: PlotData, width: number): string {
  const { rows, series, x, y } = data;
  const ordered = x.categories ? x.categories.flatMap((name) => rows.filter((row) => row.x === name)) : rows;
  const labels = ordered.map((row) => {
    const place =
      row.x2 === undefined ? String(row.x) : `${shortNumber(row.x as number)} – ${shortNumber(row.x2)}`;
    return shorten(series ? `${place}  ${row.series}` : place, MAX_LABEL + (series ? MAX_LABEL : 0));
  });
  const texts = ordered.map(({ y: value, low, high }) => {
    const ends = low === undefined ? '' : ` [${shortNumber(low)}, ${shortNumber(high!)}]`;
    return `${shortNumber(value as number)}${ends}`;
  });
  const margin = Math.max(...labels.map((label) => label.length));
  const space = Math.max(8, width - margin - Math.max(...texts.map((text) => text.length)) - 4);
  const values = ordered.map((row) => row.y as number);
  const least = Math.min(...values.map(Math.abs).filter((value) => value > 0));
  const at = positions(y.log ? [least / 2, ...values] : [0, ...values.map(Math.abs)], y.log);
  const lines = ordered.map((_, index) => {
    const bar = '█'.repeat(Math.round((at(y.log ? values[index]! : Math.abs(values[index]!)) || 0) * space));
    return `${labels[index]!.padEnd(margin)} │${bar} ${texts[index]}`;
  });
  return [`${titleOf(y)} by ${titleOf(x)}${series ? ` and ${series.title}` : ''}`, ...lines].join('\n');
}

/** Heat: a shade for each cell, darker for more. */
function heatMap(data: PlotData, width: number): string {
  const { rows, x, y } = data;
  const values = rows.map(({ value }) => value ?? 0);
  const at = positions(values, false);
  const [xNames, yNames] = [x.categories!, y.categories!];
  const margin = Math.min(MAX_LABEL, Math.max(...yNames.map((name) => name.length)));
  const cell = Math.max(2, Math.min(8, Math.floor((width - margin - 2) / xNames.length)));
  const cells = new Map(rows.map((row) => [JSON.stringify([row.x, row.y]), row.value!]));
  const lines = [...yNames].reverse().map((name) => {
    const shades = xNames.map((column) => {
      const value = cells.get(JSON.stringify([column, name]));
      return (value === undefined ? '·' : SHADES[Math.round(at(value) * (SHADES.length - 1))]!).repeat(cell);
    });
    return `${shorten(name, margin).padStart(margin)} │${shades.join('')}`;
  });
  const [low, high] = extremes(values);
  const legend = `${data.valueTitle}: '${SHADES[0]}' ${shortNumber(low)} to '${SHADES.at(-1)}' ${shortNumber(high)}`;
  const foot = xNames.map((name) => shorten(name, Math.max(2, cell - 1)).padEnd(cell)).join('');
  return [
    titleOf(y),
    ...lines,
    `${' '.repeat(margin + 2)}${foot}`,
    `${' '.repeat(margin + 2)}${titleOf(x)}`,
    legend,
  ].join('\n');
}

const shortNumber = (value: number) => String(Number(value.toPrecision(4)));
