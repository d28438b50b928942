import { hasControl, quoted } from '../../definition/printable.js';
import { type Cell, jsonText } from '../../results/query/cell.js';
import type { Labels } from '../plot-data.js';

/** How many colours can be told apart, and how many small charts be read. */
export const MAX_SERIES = 20;
const MAX_FACETS = 20;
/** An axis with more categories can't be read. */
export const MAX_CATEGORIES = 100;

/** A value as a label. Text that looks like a value of another type, or has control characters, is in quotes. */
export function labelOf(cell: Cell): string {
  if (cell === undefined) return 'missing';
  if (typeof cell !== 'string') return typeof cell === 'number' ? String(cell) : jsonText(cell);
  return cell === '' || cell === 'missing' || isLiteral(cell) || hasControl(cell) ? quoted(cell) : cell;
}

const isLiteral = (text: string) =>
  ['true', 'false', 'null', 'NaN'].includes(text) || (text.trim() !== '' && !Number.isNaN(Number(text)));

/** The values of one or several columns as one label: `adam`, or `opt=adam, lr=0.1`. */
function jointLabel(names: readonly string[], cells: readonly Cell[], digits: number): string {
  if (cells.length === 1) return labelOf(cells[0]);
  return names.map((name, index) => `${name}=${shortLabel(name, cells[index], digits)}`).join(', ');
}

const FINGERPRINTS = ['code', 'context'];
const shortLabel = (name: string, cell: Cell, digits: number) => {
  if (typeof cell === 'number') return String(Number(cell.toPrecision(digits)));
  return FINGERPRINTS.includes(name) ? labelOf(cell).slice(0, 8) : labelOf(cell);
};

/** Digits of numbers in a label of several columns: all of them, where fewer would make two labels the same. */
const FEW_DIGITS = 4;
const ALL_DIGITS = 17;

/** Collects labels, and sorts them by the values that they stand for. */
export class LabelCollector {
  readonly #names: readonly string[];
  readonly #cells = new Map<string, readonly Cell[]>();

  /** @param names of the columns */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  add(cells: readonly Cell[]): string {
    const short = jointLabel(this.#names, cells, FEW_DIGITS);
    const known = this.#cells.get(short);
    const isTaken = known?.some((cell, index) => labelOf(cell) !== labelOf(cells[index]));
    const label = isTaken ? jointLabel(this.#names, cells, ALL_DIGITS) : short;
    if (!this.#cells.has(label)) this.#cells.set(label, cells);
    return label;
  }

  labels(): Labels {
    const sorted = [...this.#cells].sort(([, a], [, b]) => compareCells(a, b));
    return {
      title: this.#names.join(', '),
      names: sorted.map(([label]) => label),
      numeric: sorted.every(([, cells]) => cells.length === 1 && typeof cells[0] === 'number'),
    };
  }
}

function compareCells(a: readonly Cell[], b: readonly Cell[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    const order =
      typeof left === 'number' && typeof right === 'number'
        ? left - right
        : rank(left) - rank(right) || NATURAL_ORDER.compare(labelOf(left), labelOf(right));
    if (order !== 0) return order;
  }
  return 0;
}

/** `layer2` before `layer10`, the same on every machine. */
const NATURAL_ORDER = new Intl.Collator('en', { numeric: true });

const rank = (cell: Cell) => (cell === undefined ? 3 : cell === null ? 2 : typeof cell === 'number' ? 0 : 1);

type Labelled = { readonly series?: string; readonly facet?: string };

/** Rows of the first series and facets, as many as can be told apart; a note says how many others there are. */
export function limitLabels<T extends Labelled>(
  rows: readonly T[],
  { series, facets }: { readonly series?: Labels | undefined; readonly facets?: Labels | undefined },
): {
  readonly rows: readonly T[];
  readonly series?: Labels;
  readonly facets?: Labels;
  readonly notes: string[];
} {
  const [firstSeries, firstFacets] = [first(series, MAX_SERIES), first(facets, MAX_FACETS)];
  const isDrawn = (name: string | undefined, drawn: Labels | undefined) =>
    name === undefined || !drawn || drawn.names.includes(name);
  return {
    rows: rows.filter((row) => isDrawn(row.series, firstSeries) && isDrawn(row.facet, firstFacets)),
    ...(firstSeries ? { series: firstSeries } : {}),
    ...(firstFacets ? { facets: firstFacets } : {}),
    notes: [series, facets].flatMap((labels, index) => {
      const most = index === 0 ? MAX_SERIES : MAX_FACETS;
      if (!labels || labels.names.length <= most) return [];
      return [
        `only the first ${most} of ${labels.names.length} values of ${labels.title} are drawn (--where chooses)`,
      ];
    }),
  };
}

const first = (labels: Labels | undefined, most: number) =>
  labels && { ...labels, names: labels.names.slice(0, most) };
