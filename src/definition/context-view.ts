import { ContextPlaces } from './context-places.js';
import type { ContextReference } from './declaration.js';
import type { JsonValue } from './json.js';

/**
 * A declaration's context as operations see it: references replaced by {@link ContextFile}s and {@link ContextDir}s,
 * everything deeply frozen.
 *
 * @param places where its files are, if not where they were declared
 */
export function contextView(context: JsonValue, places = new ContextPlaces()): unknown {
  if (typeof context !== 'object' || context === null) return context;
  if (Array.isArray(context)) return Object.freeze(context.map((item) => contextView(item, places)));
  if (isReference(context)) {
    const { $metalab, on, ...declared } = context;
    // A cluster's file exists only there: a file with the same path on this machine is a different one.
    const file = { ...declared, path: on ? declared.path : places.of(declared.path) };
    return Object.freeze(file.files ? { ...file, files: Object.freeze([...file.files]) } : file);
  }
  return Object.freeze(
    Object.fromEntries(Object.entries(context).map(([key, value]) => [key, contextView(value, places)])),
  );
}

function isReference(value: object): value is ContextReference & { readonly files?: readonly string[] } {
  return '$metalab' in value && (value.$metalab === 'file' || value.$metalab === 'dir');
}
