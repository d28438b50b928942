import { OWN_WARNING } from '../../definition/record.js';
import type { RunCapture } from '../../operation/typescript/capture.js';
import type { LeftProcesses } from '../processes/child-processes.js';
import type { SystemProcess } from '../protocol/session.js';

const MAX_NAMES = 5;

/**
 * metalab's own warnings in a run's record; undefined if there are none.
 *
 * @param returned what the operation returned; undefined if it failed
 */
export function warningsOf(
  left: LeftProcesses | undefined,
  returned: unknown,
  capture: RunCapture | undefined,
): string[] | undefined {
  const isObject = typeof returned === 'object' && returned !== null;
  if (!isObject && left === undefined) return undefined;
  const warnings: string[] = [];
  if (left && left.detached.length > 0)
    warnings.push(
      `${OWN_WARNING}the run left detached processes behind, which continue during later runs: ${formatProcesses(left.detached)}; end them in the operation, or start them without detaching them`,
    );
  if (isObject && !capture?.hasResults)
    warnings.push(
      `${OWN_WARNING}the operation returned ${formatReturned(returned)} and captured nothing; what it returns is not stored: call capture.metrics({ … }) with it, or capture.data, or capture.artifact`,
    );
  return warnings;
}

export const formatProcesses = (processes: readonly SystemProcess[]): string =>
  listed(processes.map(({ name, pid }) => `${name} (pid ${pid})`));

function formatReturned(returned: object): string {
  if (Array.isArray(returned)) return `an array of ${returned.length}`;
  const keys = Object.keys(returned);
  return keys.length === 0 ? 'an object' : `an object with ${listed(keys)}`;
}

const listed = (names: readonly string[]) =>
  names.length <= MAX_NAMES
    ? names.join(', ')
    : `${names.slice(0, MAX_NAMES).join(', ')} and ${names.length - MAX_NAMES} more`;
