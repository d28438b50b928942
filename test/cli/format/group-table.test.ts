import { createColors } from 'picocolors';
import { expect, it } from 'vitest';
import { groupsAsJson, groupTable } from '../../../src/cli/format/group-table.js';
import { formatError } from '../../../src/cli/format/report-error.js';
import { groupsWithoutErrors } from '../../../src/cli/format/rounding-errors.js';
import { isMixed, toShown } from '../../../src/cli/format/shown-cell.js';
import { UsageError } from '../../../src/definition/errors.js';
import type { JsonValue } from '../../../src/definition/json.js';
import { encodeNumber } from '../../../src/definition/non-finite.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../../support/records.js';
import { resultsOf } from '../../support/results-of.js';

async function grouped(param: string, values: readonly (JsonValue | undefined)[], losses: readonly number[]) {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(
    store,
    values.map((value, index) =>
      recordOf({
        index,
        params: value === undefined ? {} : { [param]: value },
        metrics: { loss: encodeNumber(losses[index % losses.length]!) as never },
      }),
    ),
  );
  const results = resultsOf(store, EXPERIMENT);
  const groups = await results.groupBy(param).stats('loss', ['mean']);
  const keys = await results.resolveColumns(groups.by);
  await results.close();
  return { groups, keys };
}

it.each([
  ['n', ['params.n', 'n', 'loss mean']],
  ['loss mean', ['params.loss mean', 'n', 'loss mean']],
  ['loss n', ['loss n', 'n', 'loss mean']],
])('a param that is called %s is another column than the statistics', async (param, expected) => {
  const { groups, keys } = await grouped(param, [1, 2], [5]);
  expect(groupTable(groups, keys).columns).toEqual(expected);
});

it('in JSON, a group whose runs lack the column has no key: it is not null', async () => {
  const { groups } = await grouped('x', [null, undefined, ''], [5]);
  expect(groupsAsJson(groups).map(({ by }) => by)).toEqual([{ x: '' }, { x: null }, {}]);
});

it('keys that look equal are equal', () => {
  const shown = (cells: readonly JsonValue[]) => cells.map((cell) => toShown(cell, isMixed(cells)));
  expect(shown(['1', 1, 'a'])).toEqual(['"1"', 1, '"a"']);
  expect(shown(['null', null, '', '""', 'a'])).toEqual(['"null"', 'null', '""', '"\\"\\""', 'a']);
});

it('the last digits of means, which are rounding errors, are not shown', async () => {
  const { groups, keys } = await grouped('x', [1, 1, 1, 2], [0.1, 0.2, 0.3, 0.2]);
  const means = (shown: typeof groups) => groupTable(shown, keys).rows.map((row) => row.at(-1));
  expect(means(groups)[0]).not.toBe(0.2);
  expect(means(groupsWithoutErrors(groups))).toEqual([0.2, 0.2]);
});

it('names in an error have no characters that move the cursor', () => {
  const error = new UsageError({
    code: 'METALAB_ARGUMENT',
    what: "there is no column 'a\u001b[2Jb\tc'",
    expected: 'x',
  });
  expect(formatError(error, { verbose: false, color: createColors(false) })).toBe(
    "error: there is no column 'a\ufffd[2Jb\tc'\n  expected: x",
  );
});
