import { isDeepStrictEqual } from 'node:util';
import { oneLine, shorten } from '../../definition/printable.js';
import type { Change, ComparedFact, RunComparison } from '../../results/compare/compare-runs.js';
import type { Cell } from '../../results/query/cell.js';
import type { CommandContext } from '../command.js';
import { formatNumber, numberFormat } from './format-number.js';
import { toShown } from './shown-cell.js';

/** Between a value and its change. */
const GAP = '  ';
const RUN_GAP = '   ';
const MAX_CHARACTERS = 40;
/** Where the output goes to a program or a file. */
const MAX_IN_FILE = 1000;
const CHANGE_DIGITS = 4;
/** Of a fingerprint or a commit. */
const HASH_CHARACTERS = 12;

type TableContext = Pick<CommandContext, 'out' | 'color' | 'width'>;

/** The cells of one run, one for each line. */
interface RunColumn {
  /** Its place among the runs. */
  readonly run: number;
  readonly head: string;
  readonly values: readonly string[];
  readonly deltas: readonly string[];
  readonly ratios: readonly string[];
}

/** Prints a line for each fact, under its kind. Runs that don't fit beside the first are in further tables. */
export function printComparison({ runs, facts }: RunComparison, context: TableContext): void {
  const longest = Number.isFinite(context.width) ? MAX_CHARACTERS : MAX_IN_FILE;
  const heads = shortIds(runs.map(({ id }) => id));
  const shown = facts.map((fact) => showValues(fact, longest));
  const columns = heads.map(
    (head, run): RunColumn => ({
      run,
      head,
      values: shown.map((values) => values[run]!),
      deltas: facts.map(({ changes }) => showDelta(changes[run])),
      ratios: facts.map(({ changes }) => showRatio(changes[run])),
    }),
  );
  const [first, ...others] = columns as [RunColumn, ...RunColumn[]];
  const names = facts.map(({ name }) => `${GAP}${oneLine(name)}`);
  const used = widest(names) + RUN_GAP.length + widthOf(first);
  for (const [index, block] of blocksOf(others, context.width - used).entries()) {
    if (index > 0) context.out('');
    printBlock(names, facts, [first, ...block], context);
  }
}

/** Of what differs between some runs, only what differs between these. */
function printBlock(
  names: readonly string[],
  facts: readonly ComparedFact[],
  columns: readonly RunColumn[],
  { out, color }: TableContext,
): void {
  const wide = widest(names);
  const line = (cells: readonly string[]) => out(cells.join(RUN_GAP).trimEnd());
  line([' '.repeat(wide), ...columns.map((column) => color.bold(column.head.padEnd(widthOf(column))))]);
  const isShown = ({ differs, values }: ComparedFact) =>
    !differs || columns.some(({ run }) => !isDeepStrictEqual(values[run], values[0]));
  let section: string | undefined;
  for (const [index, fact] of facts.entries()) {
    if (!isShown(fact)) continue;
    if (fact.kind !== section) line([color.bold(fact.kind)]);
    section = fact.kind;
    line([names[index]!.padEnd(wide), ...columns.map((column) => cellOf(column, index, color.dim))]);
  }
}

function cellOf(column: RunColumn, index: number, dim: (text: string) => string): string {
  const [value, delta, ratio] = [column.values[index]!, column.deltas[index]!, column.ratios[index]!];
  if (delta === '') return value.padEnd(widthOf(column));
  const change = `${delta.padEnd(widest(column.deltas))}${GAP}${ratio}`.trimEnd();
  const shown = `${value.padEnd(measuredWidth(column))}${GAP}`;
  return `${shown}${dim(change)}${' '.repeat(widthOf(column) - shown.length - change.length)}`;
}

function widthOf(column: RunColumn): number {
  const { head, values, deltas, ratios } = column;
  const changes = [deltas, ratios].map(widest).filter((width) => width > 0);
  const measured = changes.reduce((sum, width) => sum + GAP.length + width, measuredWidth(column));
  return Math.max(head.length, measured, widest(values));
}

/** Of the values that a change follows: other texts may be as long as both together. */
const measuredWidth = ({ values, deltas }: RunColumn) =>
  widest(values.filter((_, index) => deltas[index] !== ''));

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length));

/** At least one column a block. */
function blocksOf(columns: readonly RunColumn[], available: number): RunColumn[][] {
  const blocks: RunColumn[][] = [];
  let left = 0;
  for (const column of columns) {
    const width = RUN_GAP.length + widthOf(column);
    const block = blocks.at(-1);
    if (block && width <= left) block.push(column);
    else blocks.push([column]);
    left = (block && width <= left ? left : available) - width;
  }
  return blocks;
}

/** The beginnings of the run_ids, as long as they need to be. */
function shortIds(ids: readonly string[]): string[] {
  for (let length = 8; ; length++) {
    const short = ids.map((id) => id.slice(0, length));
    if (new Set(short).size === ids.length) return short;
  }
}

/** Values that differ look different: by more digits, by quotes, or by the place where they begin to. */
function showValues({ values: whole, differs }: ComparedFact, longest: number): string[] {
  const values = nearDifference(whole, differs, longest);
  const format = numberFormat(values.filter((value) => typeof value === 'number'));
  const mixed = values.some((value) => typeof value !== 'string' && value !== undefined);
  const texts = values.map((value) => showValue(value, format, mixed));
  if (texts.every((text) => text.length <= longest)) return texts;
  const from = differs ? Math.max(0, sharedLength(texts) - longest / 2) : 0;
  return texts.map((text) => shorten(from === 0 ? text : `…${text.slice(from + 1)}`, longest));
}

/** Of long texts only so much around the place where they begin to differ that the rest can't be shown. */
function nearDifference(values: readonly Cell[], differs: boolean, longest: number): readonly Cell[] {
  const most = 4 * longest;
  const texts = values.filter((value) => typeof value === 'string');
  if (texts.every((text) => text.length <= most)) return values;
  const shared = differs && texts.length === values.length ? sharedLength(texts) : 0;
  const from = Math.max(0, shared - 2 * longest);
  return values.map((value) => (typeof value === 'string' ? value.slice(from, from + most) : value));
}

function showValue(value: Cell, format: (value: number) => string, mixed: boolean): string {
  if (value === undefined) return '';
  const shown = toShown(value, mixed);
  if (typeof shown === 'number') return format(shown);
  if (typeof shown !== 'string') return JSON.stringify(shown);
  return /^[0-9a-f]{32,}$/.test(shown) ? shown.slice(0, HASH_CHARACTERS) : oneLine(shown);
}

/** How many characters all of the texts begin with. */
function sharedLength(texts: readonly string[]): number {
  const [first = ''] = texts;
  let length = 0;
  while (length < first.length && texts.every((text) => text[length] === first[length])) length++;
  return length;
}

const showDelta = (change: Change | undefined): string =>
  change ? `${change.delta > 0 ? '+' : ''}${formatNumber(change.delta, CHANGE_DIGITS)}` : '';

/** Never 1 where it is not. */
function showRatio(change: Change | undefined): string {
  if (typeof change?.ratio !== 'number') return '';
  const short = formatNumber(change.ratio, CHANGE_DIGITS);
  return `×${short === '1' ? numberFormat([1, change.ratio])(change.ratio) : short}`;
}

/** By run_id: what a run lacks is absent, so that it is not null. */
export function comparisonAsJson({ runs, facts }: RunComparison): object {
  const byRun = (values: readonly unknown[]) =>
    Object.fromEntries(runs.map(({ id }, index) => [id, values[index]]));
  return {
    runs: runs.map(({ id, experiment, status }) => ({ run_id: id, experiment_id: experiment, status })),
    facts: facts.map(({ kind, name, differs, values, changes }) => ({
      kind,
      name,
      differs,
      values: byRun(values),
      changes: byRun(changes),
    })),
  };
}
