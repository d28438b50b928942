import { bytes } from './bytes.js';
import { csv } from './csv.js';
import { json } from './json.js';
import { npy } from './npy.js';
import type { Serializer } from './serializer.js';
import { text } from './text.js';

/** In the order in which they are asked: a Uint8Array is bytes before it is numbers, rows are CSV before JSON. */
const BUILT_IN: readonly Serializer[] = [text, bytes, npy, csv, json];
const registered: Serializer[] = [];

/**
 * Adds a serializer of the user's own, asked before the built-in ones. Call it in the module of the operation.
 *
 * @throws TypeError if the name is empty or taken by a built-in one
 */
export function registerSerializer(serializer: Serializer): void {
  if (!serializer?.name) throw new TypeError('registerSerializer: the serializer has no name');
  for (const method of ['accepts', 'serialize'] as const)
    if (typeof serializer[method] !== 'function')
      throw new TypeError(`registerSerializer: '${serializer.name}' has no function ${method}`);
  if (BUILT_IN.some(({ name }) => name === serializer.name)) {
    throw new TypeError(`registerSerializer: '${serializer.name}' is built in; give it another name`);
  }
  const earlier = registered.findIndex(({ name }) => name === serializer.name);
  if (earlier >= 0) registered.splice(earlier, 1);
  registered.unshift(serializer);
}

/** What figures are, which have no serializer of their own. */
const FIGURES: { readonly [format: string]: Serializer } = { svg: text, png: bytes, 'vega-lite': json };

/** An artifact's value, by the format that its descriptor names: the bytes, where nothing reads that format. */
export function deserialize(format: string, content: Uint8Array): unknown {
  const all = [...registered, ...BUILT_IN];
  const found = all.find(({ name }) => name === format) ?? FIGURES[format];
  return found?.deserialize ? found.deserialize(content) : content;
}

/**
 * The serializer for a value.
 *
 * @throws TypeError if the format is unknown, or nothing accepts the value; it lists the formats there are
 */
export function serializerFor(value: unknown, format: string | undefined, artifact: string): Serializer {
  const all = [...registered, ...BUILT_IN];
  const found = all.find((serializer) => (format ? serializer.name === format : serializer.accepts(value)));
  if (found) return found;
  const formats = all.map(({ name }) => name).join(', ');
  throw new TypeError(
    format
      ? `artifact '${artifact}': there is no format '${format}'; there are ${formats}, and registerSerializer adds others`
      : `artifact '${artifact}': nothing writes a value of type ${typeof value}; there are ${formats}, and registerSerializer adds others`,
  );
}
