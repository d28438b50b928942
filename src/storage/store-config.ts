import { pathToFileURL } from 'node:url';
import type { OpenOptions } from './file/open.js';
import { postgresUri } from './postgresql/settings.js';
import type { Store } from './store.js';
import { parseSettings, type StoreSettings } from './store-settings.js';

/** Which store, or which experiment of it: plain data by JSON, which {@link StoreConfig.of} takes again. */
export class StoreConfig {
  readonly settings: StoreSettings;
  readonly experiment: string | undefined;

  private constructor(settings: StoreSettings, experiment?: string) {
    this.settings = settings;
    this.experiment = experiment;
  }

  static of({
    settings,
    experiment,
  }: Pick<StoreConfig, 'settings'> & { readonly experiment?: string | undefined }) {
    return new StoreConfig(settings, experiment);
  }

  /** The store as one with this experiment only. */
  scoped(experimentId: string): StoreConfig {
    return new StoreConfig(this.settings, experimentId);
  }

  /**
   * Opens the store.
   *
   * @throws UsageError where there is no such kind of store; StoreError where it can't be opened
   */
  async connect(options?: OpenOptions): Promise<Store> {
    // Imported here, since it parses locations by this module.
    const { connectStore } = await import('./registry.js');
    const store = await connectStore(this.settings, options);
    const { experiment } = this;
    if (experiment === undefined) return store;
    const all = store.experiments.bind(store);
    return Object.assign(store, {
      experiments: async () => (await all()).filter((id) => id === experiment),
    });
  }

  /** What {@link parseStore} takes. Holds no password. */
  get uri(): string {
    const { settings } = this;
    if (settings.scheme === 'file') return pathToFileURL(settings.path).href;
    if (settings.scheme === 'postgresql') return postgresUri(settings);
    return settings.scheme === 'discover' ? 'discover' : settings.uri;
  }
}

/**
 * Reads the name of a store: a path, `file:///data/lab`, `postgresql://user@host/db?file_root=/data/lab`, `discover`, or a
 * uri of an installed package's scheme. Opens nothing.
 *
 * @throws DefinitionError METALAB_STORE_LOCATION with every mistake
 */
export const parseStore = (location: string): StoreConfig =>
  StoreConfig.of({ settings: parseSettings(location) });
