import type { ContextReference } from './declaration.js';
import type { JsonValue } from './json.js';

/**
 * A declaration's context as operations see it: references replaced by {@link ContextFile}s and {@link ContextDir}s,
 * everything deeply frozen.
 */
export function contextView(context: JsonValue): unknown {
  if (typeof context !== 'object' || context === null) return context;
  if (Array.isArray(context)) return Object.freeze(context.map(contextView));
  if (isReference(context)) {
    const { $metalab, ...file } = context;
    return Object.freeze(file.files ? { ...file, files: Object.freeze([...file.files]) } : file);
  }
  return Object.freeze(
    Object.fromEntries(Object.entries(context).map(([key, value]) => [key, contextView(value)])),
  );
}

function isReference(value: object): value is ContextReference & { readonly files?: readonly string[] } {
  return '$metalab' in value && (value.$metalab === 'file' || value.$metalab === 'dir');
}
