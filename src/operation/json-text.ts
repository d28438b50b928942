import { wellFormedJson } from '../definition/well-formed.js';

/**
 * A value's JSON text, for what a run saves. `JSON.stringify` would quietly turn NaN into null, leave out undefined and
 * write typed arrays as objects: results would be lost without a word. Half of a surrogate pair becomes U+FFFD.
 *
 * @param name how the value is called in errors
 * @throws TypeError naming the path of the first thing that JSON can't hold
 */
export function jsonText(value: unknown, name: string): string {
  const mistake = findMistake(value, name, []);
  if (mistake) throw new TypeError(mistake);
  return wellFormedJson(JSON.stringify(value));
}

function findMistake(value: unknown, path: string, ancestors: object[]): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value)
        ? undefined
        : `${path} is ${value}: JSON has no such number; use null, or leave it out`;
    case 'object':
      return value === null ? undefined : findMistakeIn(value, path, ancestors);
    default:
      return `${path} is ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}: expected plain JSON`;
  }
}

function findMistakeIn(value: object, path: string, ancestors: object[]): string | undefined {
  if (ancestors.includes(value)) return `${path} contains itself: expected plain JSON`;
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return findMistake(value.toJSON(), path, [...ancestors, value]);
  }
  if (ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set) {
    return `${path} is a ${value.constructor.name}: expected plain JSON, e.g. Array.from(…)`;
  }
  ancestors.push(value);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const mistake = findMistake(value[index], `${path}[${index}]`, ancestors);
      if (mistake) return mistake;
    }
  } else {
    for (const [key, item] of Object.entries(value)) {
      const mistake = findMistake(item, `${path}.${key}`, ancestors);
      if (mistake) return mistake;
    }
  }
  ancestors.pop();
  return undefined;
}
