import { jsonText } from '../json-text.js';
import { fromUtf8, type Serializer, utf8 } from './serializer.js';

/** Any plain JSON. */
export const json: Serializer = {
  name: 'json',
  accepts: (value) => value !== undefined && typeof value !== 'function' && typeof value !== 'symbol',
  serialize: (value) => utf8(jsonText(value, 'value')),
  deserialize: (bytes) => JSON.parse(fromUtf8(bytes)),
};
