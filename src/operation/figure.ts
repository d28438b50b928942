import { jsonText } from './json-text.js';
import { utf8 } from './serializers/serializer.js';

const PNG_MAGIC = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A figure's bytes, and the format that its value shows it to be. */
export interface EncodedFigure {
  readonly format: 'svg' | 'png' | 'vega-lite';
  readonly bytes: Uint8Array;
}

/** @throws TypeError if it is neither SVG text nor PNG bytes nor a Vega-Lite specification */
export function encodeFigure(name: string, figure: unknown): EncodedFigure {
  if (typeof figure === 'string') {
    if (/<svg[\s>]/i.test(figure)) return { format: 'svg', bytes: utf8(figure) };
    throw new TypeError(`figure '${name}': the text is not an SVG (no <svg> element in it)`);
  }
  if (figure instanceof Uint8Array) {
    if (PNG_MAGIC.every((byte, index) => figure[index] === byte)) return { format: 'png', bytes: figure };
    throw new TypeError(`figure '${name}': the bytes are not a PNG (they don't begin with its signature)`);
  }
  if (typeof figure === 'object' && figure !== null && !Array.isArray(figure)) {
    return { format: 'vega-lite', bytes: utf8(jsonText(figure, `figure '${name}'`)) };
  }
  throw new TypeError(
    `figure '${name}' is ${figure === null ? 'null' : typeof figure}: expected SVG text, PNG bytes or a Vega-Lite specification`,
  );
}
