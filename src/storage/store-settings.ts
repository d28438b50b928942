import { DefinitionError, type Problem } from '../definition/errors.js';
import { pathOf, schemeOf } from './location.js';
import { type PostgresSettings, parsePostgres } from './postgresql/settings.js';

/** Where a store is, as plain data without secrets. */
export type StoreSettings =
  | { readonly scheme: 'file'; readonly path: string }
  | PostgresSettings
  | { readonly scheme: 'discover' }
  /** Of an installed package, which is found when the store is opened. */
  | { readonly scheme: 'package'; readonly name: string; readonly uri: string };

/**
 * Reads a path or uri.
 *
 * @throws DefinitionError METALAB_STORE_LOCATION with every mistake
 */
export function parseSettings(location: string): StoreSettings {
  if (location === 'discover' || location === 'discover://') return { scheme: 'discover' };
  const scheme = schemeOf(location);
  if (scheme === 'file') return { scheme, path: pathOf(location) };
  if (scheme !== 'postgresql' && scheme !== 'postgres')
    return { scheme: 'package', name: scheme, uri: location };
  const problems: Problem[] = [];
  const settings = parsePostgres(location, problems);
  if (problems.length > 0) throw new DefinitionError(problems, 'METALAB_STORE_LOCATION');
  return settings;
}
