import { UsageError } from '../definition/errors.js';
import type { Column } from '../results/query/columns.js';
import { isNumeric } from '../results/query/grouping.js';
import type { Results } from '../results/results.js';
import type { PlotKind } from './plot-kinds.js';

/** What to draw, by names of columns. */
export interface PlotRequest {
  /**
   * By default: `heat` with a value, `hist` without y, `curve` where x is `step`, `line` over a param or field of numbers,
   * `scatter` over a metric, else `bar`.
   */
  readonly kind?: PlotKind;
  /** A column; for `hist` the one whose values are counted, for `curve` absent or `step`. */
  readonly x?: string;
  /** A metric; for `curve` a stepped one, for `heat` the column of the other axis. */
  readonly y?: string;
  /** `heat`: the metric whose mean is the colour. */
  readonly value?: string;
  /** One colour for each value of this column. */
  readonly group?: string;
  /** One small chart for each value of this column. */
  readonly facet?: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly title?: string;
}

/** The column of an axis, by the name that was asked for. */
export interface PlotColumn {
  readonly name: string;
  readonly column: Column;
}

/** A request whose columns are known to be there and to fit its kind. */
export interface ResolvedPlot {
  readonly kind: PlotKind;
  /** Absent for `curve`. */
  readonly x?: PlotColumn;
  /** Absent for `hist`, and for `curve`, where `series` names it. */
  readonly y?: PlotColumn;
  readonly series?: string;
  readonly value?: PlotColumn;
  readonly group?: PlotColumn;
  readonly facet?: PlotColumn;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly title: string;
}

const STEP = 'step';

/** @throws UsageError if a column is unknown, is no number where one is needed, or an option does not fit the kind */
export async function resolveRequest(results: Results, request: PlotRequest): Promise<ResolvedPlot> {
  const find = async (name: string | undefined): Promise<PlotColumn | undefined> =>
    name === undefined ? undefined : { name, column: (await results.resolveColumns([name]))[0]! };
  const isCurve =
    request.kind === 'curve' || (request.kind === undefined && (await isStep(results, request)));
  const x = isCurve ? undefined : await find(request.x);
  const kind = request.kind ?? (isCurve ? 'curve' : defaultKind(request, x));
  refuseMisfits(kind, request);
  const resolved: ResolvedPlot = {
    kind,
    ...present('x', x),
    ...(isCurve ? present('series', request.y) : present('y', await find(request.y))),
    ...present('value', await find(request.value)),
    ...present('group', await find(request.group)),
    ...present('facet', await find(request.facet)),
    logX: request.logX ?? false,
    logY: request.logY ?? false,
    title: request.title ?? results.experiment,
  };
  await refuseTypes(resolved, results);
  return resolved;
}

async function isStep(results: Results, { x, y, value }: PlotRequest): Promise<boolean> {
  if (value !== undefined || y === undefined || (x !== undefined && x !== STEP)) return false;
  return x === undefined || !(await results.columns()).some(({ name }) => name === STEP);
}

function defaultKind({ y, value }: PlotRequest, x: PlotColumn | undefined): PlotKind {
  if (value !== undefined) return 'heat';
  if (y === undefined) return 'hist';
  if (x?.column.type !== 'number') return 'bar';
  return x.column.kind === 'metric' || x.column.kind === 'derived' ? 'scatter' : 'line';
}

/** Which of x, y and value each kind needs, and which it can't have. */
const NEEDS: {
  readonly [kind in PlotKind]: { readonly needs: readonly Part[]; readonly refuses: readonly Part[] };
} = {
  line: { needs: ['x', 'y'], refuses: ['value'] },
  scatter: { needs: ['x', 'y'], refuses: ['value'] },
  bar: { needs: ['x', 'y'], refuses: ['value', 'logX'] },
  hist: { needs: ['x'], refuses: ['y', 'value'] },
  curve: { needs: ['y'], refuses: ['value'] },
  heat: { needs: ['x', 'y', 'value'], refuses: ['group', 'logX', 'logY'] },
};
type Part = 'x' | 'y' | 'value' | 'group' | 'logX' | 'logY';
const OPTIONS = { x: '--x', y: '--y', value: '--value', group: '--group', logX: '--log-x', logY: '--log-y' };

function refuseMisfits(kind: PlotKind, request: PlotRequest): void {
  const { needs, refuses } = NEEDS[kind];
  const missing = needs.filter((part) => request[part] === undefined);
  const useless = refuses.filter((part) => request[part] !== undefined && request[part] !== false);
  const wrongX = kind === 'curve' && request.x !== undefined && request.x !== STEP;
  if (missing.length === 0 && useless.length === 0 && !wrongX) return;
  const list = (parts: readonly Part[]) => parts.map((part) => OPTIONS[part]).join(', ');
  throw new UsageError({
    code: 'METALAB_PLOT',
    where: `--kind ${kind}`,
    what: wrongX
      ? `its x axis is the step, not '${request.x}'`
      : missing.length > 0
        ? `lacks ${list(missing)}`
        : `has no use for ${list(useless)}`,
    expected: wrongX ? '--x step, or no --x' : `${list(needs)}${kind === 'hist' ? ' alone' : ''}`,
  });
}

async function refuseTypes({ kind, x, y, value, logX }: ResolvedPlot, results: Results): Promise<void> {
  const drawn = kind === 'heat' ? value : y;
  const text = drawn && !isNumeric(drawn.column) ? drawn : undefined;
  const wrong = text ?? (logX && x && x.column.type !== 'number' ? x : undefined);
  if (!wrong) return;
  const { oneOfNearest } = await import('../definition/nearest.js');
  const numeric = (await results.columns())
    .filter(
      (column) => isNumeric(column) && (wrong === x || column.kind === 'metric' || column.kind === 'derived'),
    )
    .map(({ name }) => name);
  throw new UsageError({
    code: 'METALAB_NOT_NUMERIC',
    where: wrong === value ? '--value' : wrong === y ? '--y' : '--log-x',
    what: `'${wrong.name}' is ${wrong.column.type}, not a number`,
    expected: oneOfNearest(wrong.name, numeric),
  });
}

const present = <K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } =>
  value === undefined ? {} : ({ [key]: value } as { [key in K]: V });
