import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resultsOf } from '../results/open.js';
import type { Results } from '../results/results.js';
import {
  hasArtifactOpen,
  hasExperimentManifests,
  hasLogListing,
  hasLogPath,
  hasStructuredResults,
  hasWorkingDirectory,
  requireArtifactOpen,
  requireFileStore,
  requireLogListing,
  requireResults,
} from '../storage/capabilities.js';
import type { FileStore } from '../storage/file/file-store.js';
import type { Store } from '../storage/store.js';
import { parseStore, StoreConfig } from '../storage/store-config.js';
import { makeSampleStore, OTHER, SAMPLE } from './sample-store.js';

/** How a kind of store is tested. */
export interface StoreContract {
  /** The test runner's own, as of Vitest, Jest or node:test. */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
  /**
   * Puts all that a file store has into a new store of this kind.
   *
   * @returns what `--store` takes to open it
   */
  readonly storeOf: (source: FileStore) => Promise<string>;
}

/** Declares the tests that every kind of store passes, those of a package too. */
export function testStore({ test, storeOf }: StoreContract): void {
  const withStore =
    (use: (store: Store, source: FileStore, location: string) => Promise<void>) => async () => {
      const folder = await mkdtemp(join(tmpdir(), 'metalab-contract-'));
      try {
        const source = await makeSampleStore(join(folder, 'source'));
        const location = await storeOf(source);
        await use(await parseStore(location).connect(), source, location);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    };

  test(
    'its config is plain data, and opens the same store again',
    withStore(async (store, _source, location) => {
      const config = parseStore(location);
      const copy = StoreConfig.of(JSON.parse(JSON.stringify(config)) as StoreConfig);
      assert.equal((await copy.connect()).uri, store.uri);
      assert.equal((await parseStore(store.uri).connect()).uri, store.uri);
      assert.deepEqual(parseStore(config.uri), config);
    }),
  );

  test(
    'lists its experiments, and only one where it is scoped to it',
    withStore(async (store, _source, location) => {
      assert.deepEqual(await store.experiments(), [OTHER, SAMPLE]);
      assert.deepEqual(await (await parseStore(location).scoped(SAMPLE).connect()).experiments(), [SAMPLE]);
      assert.deepEqual(await (await parseStore(location).scoped('none:1').connect()).experiments(), []);
    }),
  );

  test(
    'has a capability, or refuses by its name what needs it',
    withStore(async (store) => {
      const refused = (name: string) => ({
        code: 'METALAB_STORE_CAPABILITY',
        message: new RegExp(`${name}[\\s\\S]*file store`),
      });
      if (!hasWorkingDirectory(store))
        assert.throws(() => requireFileStore(store), refused('working directory'));
      if (!hasLogPath(store)) assert.throws(() => requireFileStore(store, 'log paths'), refused('log paths'));
      if (!hasArtifactOpen(store))
        assert.throws(() => requireArtifactOpen(store), refused('opening artifacts'));
      if (!hasLogListing(store)) assert.throws(() => requireLogListing(store), refused('log listing'));
      if (!hasStructuredResults(store))
        assert.throws(() => requireResults(store), refused('structured results'));
      else if (!hasExperimentManifests(store))
        assert.throws(() => requireResults(store), refused('experiment manifests'));
    }),
  );

  test(
    'gives manifests as they were written',
    withStore(async (store, source) => {
      if (!hasExperimentManifests(store)) return;
      assert.deepEqual(await store.readManifest(SAMPLE), await source.readManifest(SAMPLE));
      assert.equal(await store.readManifest('none:1'), undefined);
    }),
  );

  const withResults = (use: (own: Results, expected: Results) => Promise<void>) =>
    withStore(async (store, source) => {
      if (!hasStructuredResults(store) || !hasExperimentManifests(store)) return;
      for (const all of [false, true]) {
        const [own, expected] = [store, source].map((each) => resultsOf(each, SAMPLE)) as [Results, Results];
        try {
          await use(all ? own.all() : own, all ? expected.all() : expected);
        } finally {
          await Promise.all([own.close(), expected.close()]);
        }
      }
    });

  test(
    'has the same final records, value for value',
    withResults(async (own, expected) => {
      assert.deepEqual(await collect(own.records()), await collect(expected.records()));
      assert.deepEqual(await collect(own.rows()), await collect(expected.rows()));
      assert.equal(await own.damaged(), await expected.damaged());
    }),
  );

  test(
    'answers queries as a file store does',
    withResults(async (own, expected) => {
      const answers = (results: Results) =>
        Promise.all([
          columnsOf(results),
          results.summary(),
          results.where('loss', '>', 0.2).sort('-loss').limit(3).table(),
          results.failed().count(),
          results.sort('a "quoted" name').table(),
        ]);
      assert.deepEqual(await answers(own), await answers(expected));
    }),
  );

  test(
    'has the same series, derived metrics and details of a run',
    withResults(async (own, expected) => {
      assert.deepEqual(await own.seriesNames(), await expected.seriesNames());
      assert.deepEqual(await collect(own.seriesPoints()), await collect(expected.seriesPoints()));
      const details = async (results: Results) => {
        const found = [];
        for await (const run of results.runs())
          found.push({ derived: run.derived, details: await run.details() });
        return found;
      };
      assert.deepEqual(await details(own), await details(expected));
    }),
  );
}

/** Without their counts, which in a file store that is not compacted are of superseded records too. */
const columnsOf = async (results: Results) =>
  (await results.columns()).map(({ name, kind, type, varies }) => ({ name, kind, type, varies }));

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
