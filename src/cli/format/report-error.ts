import {
  DefinitionError,
  InfrastructureError,
  MetalabError,
  StoreError,
  UsageError,
} from '../../definition/errors.js';
import { printable } from '../../definition/printable.js';
import type { Colors } from '../command.js';

/** The process's exit code. */
export const EXIT = { success: 0, failure: 1, usage: 2, infrastructure: 3, detached: 130 } as const;

/** 2: wrong usage or definition; 3: infrastructure or store not available; 1: anything else. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof UsageError || thrown instanceof DefinitionError) return EXIT.usage;
  if (thrown instanceof MetalabError && thrown.code.startsWith('METALAB_TRANSPORT_'))
    return EXIT.infrastructure;
  if (thrown instanceof InfrastructureError || thrown instanceof StoreError) return EXIT.infrastructure;
  return EXIT.failure;
}

/** Formats an error for stderr. The stack is shown only on request, because metalab's own errors say what to do. */
export function formatError(
  thrown: unknown,
  options: { readonly verbose: boolean; readonly color: Colors },
): string {
  const { verbose, color } = options;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const label = color.red(color.bold('error:'));
  const code = thrown instanceof MetalabError && verbose ? color.dim(` (${thrown.code})`) : '';
  const lines = [`${label} ${printable(error.message)}${code}`];
  if (verbose) lines.push(color.dim(stackWithCauses(error)));
  else if (!(thrown instanceof MetalabError)) lines.push(color.dim('  -v shows where it comes from'));
  return lines.join('\n');
}

function stackWithCauses(error: Error): string {
  const stack = (error.stack ?? '').replace(`${error.name}: ${error.message}`, error.name);
  return error.cause instanceof Error
    ? `${stack}\ncaused by ${error.cause.message}\n${stackWithCauses(error.cause)}`
    : stack;
}
