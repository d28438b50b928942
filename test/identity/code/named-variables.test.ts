import { expect, it } from 'vitest';
import { namedVariables } from '../../../src/identity/code/named-variables.js';
import { parseModule } from '../../../src/identity/code/syntax.js';

const variablesIn = (code: string) => namedVariables(parseModule(`export {};\n${code}`)!);

it.each([
  ['process.env.A', ['A']],
  ["process.env['A'] ?? process.env?.B", ['A', 'B']],
  ['const { A, B: b = 1 } = process.env;', ['A', 'B']],
  ['globalThis.process.env.A', ['A']],
  ["import { env } from 'node:process'; env.A", ['A']],
  ["import process from 'node:process'; process.env.A", ['A']],
  ['const env = process.env; env.A; const { B } = env;', ['A', 'B']],
  ['const { env: e } = process; e.A', ['A']],
  ['process.env[name]', []],
  ['const other = { env: { A: 1 } }; other.env.A', []],
  ["process.env.A = '1'; process.env.A", []],
])('%s', (code, names) => expect(variablesIn(code)).toEqual(names));
