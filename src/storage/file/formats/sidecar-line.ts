import { numberText } from '../../../definition/non-finite.js';
import type { LogLevel } from '../../../definition/record.js';
import { wellFormedJson } from '../../../definition/well-formed.js';
import type { Cell } from '../../../identity/cells.js';
import { isoTime } from './iso-time.js';

/** @param at wall-clock milliseconds */
export const logLine = (cell: Cell, attempt: number, at: number, level: LogLevel, message: string): string =>
  line(cell, attempt, `"at":"${isoTime(at)}","level":"${level}","message":${JSON.stringify(message)}`);

export const seriesLine = (cell: Cell, attempt: number, name: string, step: number, value: number): string =>
  line(cell, attempt, `"name":${JSON.stringify(name)},"step":${step},"value":${numberText(value)}`);

/** @param json the value's text */
export const dataLine = (cell: Cell, attempt: number, name: string, json: string): string =>
  line(cell, attempt, `"name":${JSON.stringify(name)},"value":${json}`);

const line = ({ runId, generation }: Cell, attempt: number, rest: string) =>
  wellFormedJson(`{"run_id":"${runId}","attempt":${attempt},"generation":${generation},${rest}}`);
