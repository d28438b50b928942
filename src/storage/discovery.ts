/** Finds the location of the store that services provide. @throws UsageError if none runs, or it is not clear which */
type Discover = () => Promise<string>;

let discover: Discover | undefined;

/**
 * Says how the store `discover` is found. Storage knows no services: the entry points, which do, connect the two when they
 * are loaded.
 */
export function provideDiscovery(find: Discover): void {
  discover = find;
}

/** @throws what finding it throws; undefined: this process has no way to find one */
export const discoverLocation = async (): Promise<string | undefined> => discover?.();
