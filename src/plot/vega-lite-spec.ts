import type { JsonObject } from '../definition/json.js';
import { logFloor } from './log-floor.js';
import type { Axis, Labels, PlotData } from './plot-data.js';

/** A chart in the Vega-Lite 6 language, with its data. */
export type VegaLiteSpec = JsonObject;

const SIZE = { width: 480, height: 300 };
const FACET_SIZE = { width: 230, height: 170 };
const FACETS_IN_A_ROW = 3;
/** The pixels of a category on an axis, so that its label is never cut; heat: of a cell. */
const CATEGORY_STEP = 28;
/** More labels of long numbers would touch, and every other one be left out. */
const X_TICKS = 6;
const FACET_TICKS = 4;
const LETTER_PIXELS = 7;
const MAX_LABEL_PIXELS = 240;
/** A legend of several params needs more. */
const MAX_LEGEND_PIXELS = 600;
/** Whole powers of ten as ends of a logarithmic axis would leave most of the chart empty. */
const LOG_PADDING = 10;
const BAND_OPACITY = 0.2;
/** From so many points on, they are drawn small and translucent. */
const MANY_POINTS = 300;

/** The chart of some data, for every renderer of Vega-Lite. */
export function vegaLiteSpec(data: PlotData): VegaLiteSpec {
  const { facets } = data;
  const chart = { ...sizeOf(data), ...marksOf(data) };
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: data.title,
    background: 'white',
    data: { values: data.rows as unknown as JsonObject[] },
    ...(facets
      ? {
          facet: {
            field: 'facet',
            type: 'nominal',
            sort: [...facets.names],
            header: { title: facets.title, labelLimit: MAX_LABEL_PIXELS },
          },
          columns: Math.min(FACETS_IN_A_ROW, Math.max(1, facets.names.length)),
          // Labels at the ends of two axes that stand side by side must not touch.
          spacing: 44,
          spec: chart,
        }
      : chart),
    config: CONFIG,
  };
}

const CONFIG = {
  font: 'DejaVu Sans, Verdana, sans-serif',
  title: { anchor: 'start', fontSize: 13, offset: 12 },
  axis: {
    labelLimit: MAX_LABEL_PIXELS,
    titleLimit: 0,
    labelOverlap: 'greedy',
    labelFlush: false,
    gridColor: '#e8e8e8',
  },
  legend: { symbolLimit: 0, symbolOpacity: 1, labelLimit: MAX_LEGEND_PIXELS, titleLimit: MAX_LEGEND_PIXELS },
  rule: { color: '#4c78a8' },
  view: { stroke: '#ccc' },
};

function sizeOf({ kind, x, y, facets, series }: PlotData): JsonObject {
  const { width, height } = facets ? FACET_SIZE : SIZE;
  const bars = kind === 'bar' ? Math.max(1, series?.names.length ?? 1) : 1;
  const steps = (axis: Axis, size: number) => {
    const pixels = (axis.categories?.length ?? 0) * CATEGORY_STEP * (bars > 2 ? bars / 3 : 1);
    return Math.max(size, Math.round(pixels));
  };
  if (kind === 'heat') return { width: steps(x, width), height: steps(y, height) };
  return { width: x.categories ? steps(x, width) : width, height };
}

function marksOf(data: PlotData): JsonObject {
  switch (data.kind) {
    case 'line':
      return meansOf(data, [
        { mark: { type: 'line' }, encoding: { y: yOf(data) } },
        {
          mark: { type: 'point', filled: true, size: data.rows.length > MANY_POINTS ? 12 : 40, opacity: 1 },
          encoding: { y: yOf(data) },
        },
      ]);
    case 'curve':
      return curvesOf(data);
    case 'bar':
      return barsOf(data);
    case 'scatter':
      return scatterOf(data);
    case 'hist':
      return histogramOf(data);
    default:
      return heatOf(data);
  }
}

const hasInterval = 'isValid(datum.low)';

function meansOf(data: PlotData, marks: JsonObject[], more: JsonObject = {}): JsonObject {
  const ends = { y: { ...yOf(data), field: 'low' }, y2: { field: 'high' } };
  const whiskers = {
    transform: [{ filter: hasInterval }, ...floorOf(data)],
    mark: { type: 'rule', strokeWidth: 1.5, opacity: 0.8 },
    encoding: ends,
  };
  return { encoding: { x: xOf(data), ...colorOf(data), ...more }, layer: [...marks, whiskers] };
}

function curvesOf(data: PlotData): JsonObject {
  const band = {
    transform: [{ filter: hasInterval }, ...floorOf(data)],
    mark: { type: 'area', opacity: BAND_OPACITY },
    encoding: { y: { ...yOf(data), field: 'low', stack: null }, y2: { field: 'high' } },
  };
  const isShort = data.rows.length <= 1 + (data.series?.names.length ?? 0);
  const line = { mark: { type: 'line', point: isShort }, encoding: { y: yOf(data) } };
  return { encoding: { x: xOf(data), ...colorOf(data) }, layer: [band, line] };
}

function barsOf(data: PlotData): JsonObject {
  const { series } = data;
  const floor = data.y.log ? baseOf(data) : 0;
  const y = yOf(data, { domainMin: data.y.log ? floor : undefined, zero: true });
  const offset: JsonObject = series
    ? { xOffset: { field: 'series', type: 'nominal', sort: [...series.names] } }
    : {};
  const bars = { mark: { type: 'bar' }, encoding: { y, y2: { datum: floor } } };
  const whiskers = {
    transform: [{ filter: hasInterval }, ...floorOf(data)],
    mark: { type: 'rule', strokeWidth: 1.5, color: '#333' },
    encoding: { y: { ...y, field: 'low' }, y2: { field: 'high' } },
  };
  return {
    encoding: { x: xOf(data), ...offset },
    layer: [{ ...bars, encoding: { ...bars.encoding, ...colorOf(data) } }, whiskers],
  };
}

function scatterOf(data: PlotData): JsonObject {
  const many = data.rows.length > MANY_POINTS;
  return {
    mark: { type: 'point', filled: true, size: many ? 14 : 36, opacity: many ? 0.35 : 0.8 },
    encoding: { x: xOf(data), y: yOf(data), ...colorOf(data) },
  };
}

function histogramOf(data: PlotData): JsonObject {
  const { log } = data.y;
  const x: JsonObject = data.x.categories
    ? { x: xOf(data) }
    : { x: { ...xOf(data), bin: 'binned' }, x2: { field: 'x2' } };
  const y = { field: 'y', type: 'quantitative', title: data.y.title, axis: { tickMinStep: 1 } };
  // Counts begin at 1: on a logarithmic axis, bars stand below it.
  const counts: JsonObject = log
    ? { y: { ...y, scale: { type: 'log', domainMin: 0.5 }, stack: null }, y2: { datum: 0.5 } }
    : { y: { ...y, stack: 'zero' } };
  return {
    mark: { type: 'bar', opacity: log && data.series ? 0.5 : 1 },
    encoding: { ...x, ...counts, ...colorOf(data) },
  };
}

function heatOf(data: PlotData): JsonObject {
  const values = data.rows.map(({ value }) => value);
  const yNames = [...(data.y.categories ?? [])].reverse();
  return {
    mark: { type: 'rect' },
    encoding: {
      x: xOf(data),
      y: { field: 'y', type: 'nominal', sort: yNames, scale: { domain: yNames }, title: data.y.title },
      color: {
        field: 'value',
        type: 'quantitative',
        title: data.valueTitle ?? '',
        legend: new Set(values).size > 1 ? {} : { format: ',~g' },
        scale: { scheme: 'viridis', zero: false },
      },
    },
  };
}

function xOf(data: PlotData): JsonObject {
  const { x, rows } = data;
  if (x.categories)
    return {
      field: 'x',
      type: 'nominal',
      sort: [...x.categories],
      scale: { domain: [...x.categories] },
      title: x.title,
      axis: {
        labelAngle: isTooWide(x.categories, Number(sizeOf(data).width)) ? -40 : 0,
        labelOverlap: false,
      },
    };
  const ticks: JsonObject = x.log ? {} : { tickCount: data.facets ? FACET_TICKS : X_TICKS };
  const axis = numberFormat(
    x,
    rows.flatMap((row) => [row.x, row.x2]),
  );
  return {
    field: 'x',
    type: 'quantitative',
    title: x.title,
    scale: scaleOf(x),
    axis: { ...axis, ...ticks },
  };
}

/** Whether labels beside each other would touch. */
const isTooWide = (names: readonly string[], pixels: number) =>
  Math.max(...names.map((name) => name.length)) * LETTER_PIXELS > pixels / names.length - LETTER_PIXELS;

function yOf(
  { y, rows }: PlotData,
  more: { readonly domainMin?: number | undefined; readonly zero?: boolean } = {},
): JsonObject {
  const { domainMin, zero } = more;
  const scale = {
    ...scaleOf(y),
    ...(domainMin === undefined ? {} : { domainMin }),
    ...(zero && !y.log ? { zero } : {}),
  };
  return {
    field: 'y',
    type: 'quantitative',
    title: y.title,
    scale,
    axis: numberFormat(
      y,
      rows.flatMap((row) => [row.y, row.low, row.high]),
    ),
  };
}

const scaleOf = ({ log }: Axis): JsonObject =>
  log ? { type: 'log', nice: false, padding: LOG_PADDING } : { zero: false };
/** The mantissas of the labels of a logarithmic axis: the others would push whole powers of ten aside. */
const LOG_LABELS =
  "indexof([1, 2, 5], round(datum.value / pow(10, floor(log(datum.value) / LN10 + 1e-9)))) >= 0 ? datum.label : ''";

function numberFormat({ log }: Axis, values: readonly (number | string | undefined)[]): JsonObject {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (typeof value !== 'number' || (log && value <= 0)) continue;
    [low, high] = [Math.min(low, value), Math.max(high, value)];
  }
  if (log && high / low >= 8) return { format: ',~g', labelExpr: LOG_LABELS };
  // The default format has six digits where there is one value.
  return log || low === high ? { format: ',~g' } : {};
}

function colorOf({ series }: PlotData): JsonObject {
  if (!series) return {};
  return {
    color: {
      field: 'series',
      type: 'nominal',
      sort: [...series.names],
      title: series.title,
      scale: { domain: [...series.names], ...schemeOf(series) },
    },
  };
}

/** Numbers have colours in their order; the lightest is hard to see on white. */
function schemeOf({ numeric, names }: Labels): JsonObject {
  if (numeric && names.length > 2) return { scheme: { name: 'viridis', extent: [0.9, 0] } };
  return { scheme: names.length <= 10 ? 'tableau10' : 'tableau20' };
}

/** On a logarithmic axis, an interval ends where the chart does. */
function floorOf(data: PlotData): JsonObject[] {
  if (!data.y.log) return [];
  return [{ calculate: `max(datum.low, ${logFloor(data.rows)})`, as: 'low' }];
}

/** Where bars on a logarithmic axis begin: the power of ten below all of them. */
const baseOf = (data: PlotData) => 10 ** Math.ceil(Math.log10(logFloor(data.rows)) - 1);
