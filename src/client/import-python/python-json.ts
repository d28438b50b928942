import { wellFormedJson } from '../../definition/well-formed.js';

/** A value that Python's `json` writes: beyond JSON, numbers that are not finite and integers of any size. */
export type PythonValue = null | boolean | number | bigint | string | PythonValue[] | PythonObject;
export type PythonObject = { readonly [key: string]: PythonValue };

/** What `JSON.parse` refuses, or would round. It may match inside of strings: then the slow way finds nothing to change. */
const MAY_DIFFER = /NaN|Infinity|(?<![\d.])\d{16,}(?![\d.eE])/;
const TOKEN = /"|NaN|-?Infinity|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** @throws SyntaxError where it is no JSON even by Python's rules */
export function parsePythonJson(text: string): PythonValue {
  const json = wellFormedJson(text);
  if (!MAY_DIFFER.test(json)) return JSON.parse(json) as PythonValue;
  return JSON.parse(
    withMarkers(json),
    (_, value: PythonValue) => numberOfMarker(value) ?? value,
  ) as PythonValue;
}

/** Writes the numbers that JSON does not have as objects, as MongoDB's Extended JSON does. */
function withMarkers(json: string): string {
  const pieces: string[] = [];
  let copied = 0;
  TOKEN.lastIndex = 0;
  for (let found = TOKEN.exec(json); found; found = TOKEN.exec(json)) {
    const [token] = found;
    if (token === '"') {
      TOKEN.lastIndex = endOfString(json, found.index);
      continue;
    }
    const marker = markerOf(token);
    if (marker === undefined) continue;
    pieces.push(json.slice(copied, found.index), marker);
    copied = TOKEN.lastIndex;
  }
  return pieces.join('') + json.slice(copied);
}

/** @returns where the text goes on behind the string that begins there */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at++;
    else if (json[at] === '"') return at + 1;
  }
  return json.length;
}

function markerOf(token: string): string | undefined {
  if (token.endsWith('NaN') || token.endsWith('Infinity')) return `{"$numberDouble":"${token}"}`;
  const isWhole = /^-?\d+$/.test(token);
  return isWhole && !Number.isSafeInteger(Number(token)) ? `{"$numberLong":"${token}"}` : undefined;
}

function numberOfMarker(value: PythonValue): number | bigint | undefined {
  if (!isObject(value) || Object.keys(value).length !== 1) return undefined;
  const { $numberDouble: double, $numberLong: long } = value;
  if (double === 'NaN' || double === 'Infinity' || double === '-Infinity') return Number(double);
  return typeof long === 'string' && /^-?\d+$/.test(long) ? BigInt(long) : undefined;
}

export const isObject = (value: unknown): value is PythonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
