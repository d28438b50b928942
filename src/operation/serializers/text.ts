import { fromUtf8, type Serializer, utf8 } from './serializer.js';

/** Strings, as UTF-8. */
export const text: Serializer = {
  name: 'text',
  accepts: (value) => typeof value === 'string',
  serialize: (value) => utf8(String(value)),
  deserialize: fromUtf8,
};
