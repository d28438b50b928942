import { describe, expect, it, onTestFinished } from 'vitest';
import { resultsOf } from '../../../src/results/open.js';
import { temporaryStore } from '../../storage/file/temporary-store.js';
import { EXPERIMENT, manifestOf, recordOf, writeSegment } from '../../support/records.js';

/** As JavaScript calls it: without types. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
type Untyped = any;

async function open() {
  const store = await temporaryStore();
  await store.writeManifest(manifestOf());
  writeSegment(store, [recordOf({ params: { lr: 0.1 }, metrics: { loss: 1 } })]);
  const results = resultsOf(store, EXPERIMENT);
  onTestFinished(() => results.close());
  return results;
}

const ask = async (question: (results: Untyped) => unknown) => question(await open());

describe('arguments that are refused before anything is read', () => {
  it.each<[string, (results: Untyped) => unknown, RegExp]>([
    [
      'an operator',
      (all) => all.where('lr', '==', 1),
      /where\.op: is "=="[\s\S]*one of =, !=[\s\S]*did you mean =\?/,
    ],
    ['SQL as an operator', (all) => all.where('lr', '= 1 OR 1 =', 1), /where\.op: is "= 1 OR 1 ="/],
    [
      'a value that is undefined',
      (all) => all.where('lr', '=', undefined),
      /where\.value: is nothing[\s\S]*'missing'/,
    ],
    ['no list', (all) => all.where('lr', 'in', 0.1), /where\.values: is 0\.1[\s\S]*a list of values/],
    ['an item', (all) => all.where('lr', 'in', [0.1, undefined]), /where\.values\[1\]: is nothing/],
    ['a value of missing', (all) => all.where('lr', 'missing', true), /where\.value: is true[\s\S]*no value/],
    [
      'a date',
      (all) => all.where('started_at', '<', new Date(0)),
      /where\.value: is "1970[\s\S]*a number, text/,
    ],
    ['a function in filter', (all) => all.filter({ lr: 0.1, opt: () => 1 }), /filter\.opt: is a function/],
    ['a text as filter', (all) => all.filter('lr=0.1'), /filter: is "lr=0\.1"[\s\S]*\{ lr: 0\.1/],
    [
      'a condition alone',
      (all) => all.matching({ column: 'lr' }),
      /matching: is \{[\s\S]*a list of conditions/,
    ],
    ['a condition', (all) => all.matching(['lr=0.1']), /matching\[0\]: is "lr=0\.1"/],
    ['a list as sort key', (all) => all.sort(['lr']), /sort\[0\]: is \["lr"\][\s\S]*the name of a column/],
    [
      'an unknown part of a sort key',
      (all) => all.sort('lr', { column: 'loss', descendng: true }),
      /sort\[1\]\.descendng[\s\S]*did you mean descending\?/,
    ],
    ['a limit of text', (all) => all.limit('5'), /limit: is "5"[\s\S]*a whole number from 0/],
    ['an offset below 0', (all) => all.offset(-1), /offset: is -1/],
    ['a list to select', (all) => all.select(['lr']), /select\[0\]: is \["lr"\]/],
    ['a group twice', (all) => all.groupBy('lr', 'loss', 'lr'), /groupBy\[2\]: is "lr" again/],
    [
      'a statistic',
      (all) => all.groupBy('lr').stats('loss', ['avg', 'medain']),
      /2 problems[\s\S]*stats\.statistics\[0\]: is "avg"[\s\S]*\[1\][\s\S]*did you mean median\?/,
    ],
    [
      'a statistic alone',
      (all) => all.groupBy('lr').stats('loss', 'mean'),
      /stats\.statistics: is "mean"[\s\S]*a list of statistics/,
    ],
    ['a pivot of one column', (all) => all.pivot('lr', 'lr', 'loss'), /pivot\.column: is "lr"[\s\S]*another/],
    ['a direction', (all) => all.best('loss', 'lowest'), /best\.direction: is "lowest"[\s\S]*min, max/],
    ['a direction alone', (all) => all.best(undefined, 'max'), /best\.metric: is nothing/],
    [
      'bins',
      (all) => all.histogram('loss', { low: 0, width: '1) --', count: 2, log: false }),
      /histogram\.bins/,
    ],
    [
      'SQL that is no template',
      (all) => all.sql('SELECT 1'),
      /sql: got "SELECT 1"[\s\S]*query\(text, values\)/,
    ],
    ['a bound list', (all) => all.query('SELECT $1', [[1]]), /query\.values\[0\]: is \[1\]/],
  ])('%s', async (_, question, message) => {
    await expect(ask(question)).rejects.toMatchObject({
      name: 'UsageError',
      code: 'METALAB_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  it('all mistakes of one call together', async () => {
    const message = /2 problems[\s\S]*where\.column: is 1[\s\S]*where\.op: is "~"/;
    await expect(ask((all) => all.where(1, '~', 2))).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
  });
});

it('unknown columns of a question are named together, each with its nearest ones', async () => {
  const columns =
    /2 problems[\s\S]*no column 'los'[\s\S]*one of: loss[\s\S]*no column 'lrr'[\s\S]*one of: lr/;
  const results = await open();
  const rows = results.select('los').where('lrr', '=', 1).table();
  await expect(rows).rejects.toMatchObject({
    code: 'METALAB_UNKNOWN_COLUMN',
    message: expect.stringMatching(columns),
  });
  const groups = results.where('lrr', '=', 1).groupBy('los').stats();
  await expect(groups).rejects.toMatchObject({
    code: 'METALAB_UNKNOWN_COLUMN',
    message: expect.stringMatching(columns),
  });
});
