import { MetalabError } from '../../definition/errors.js';
import { countOf } from '../../definition/format-count.js';
import type { FileStore } from '../../storage/file/file-store.js';

/** How far an index in PostgreSQL is behind. */
export interface IndexState {
  /** What the status of an experiment says of it, as data. */
  of(experimentId: string): { readonly index_lag: number } | { readonly index_error: string };
  /** Sentences, for people. */
  readonly lines: readonly string[];
}

/** @returns undefined where the store has no index */
export async function readIndexState(
  store: FileStore,
  experiments: readonly string[],
): Promise<IndexState | undefined> {
  if (!store.index) return undefined;
  const { indexLag } = await import('../../storage/postgresql/lag.js');
  try {
    const folders = new Map(experiments.map((id) => [id, store.experimentFolder(id)]));
    const lags = await indexLag(store.index, folders);
    return {
      of: (id) => ({ index_lag: lags.get(id) ?? 0 }),
      lines: [...lags].flatMap(([id, lag]) =>
        lag === 0
          ? []
          : [
              `${id}: ${countOf(lag, 'line')} of records, curves and data ${lag === 1 ? 'is' : 'are'} not in the index yet`,
            ],
      ),
    };
  } catch (error) {
    if (!(error instanceof MetalabError)) throw error;
    const { what } = error;
    return { of: () => ({ index_error: what }), lines: [`the index lags: ${what}`] };
  }
}
