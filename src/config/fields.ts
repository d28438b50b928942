// The kinds of values. Each says what was expected, for error messages.
import { z } from 'zod';
import { parseDuration } from '../definition/duration.js';
import { parseMemorySize } from '../definition/memory-size.js';
import { parseGpus } from '../definition/resources.js';
import { refuseSbatchOption } from './sbatch-options.js';

export const text = (error = 'a text') => z.string({ error }).min(1, { error });

export const wholeNumber = (low: number, high = Number.MAX_SAFE_INTEGER) => {
  const error =
    high === Number.MAX_SAFE_INTEGER ? `a whole number from ${low}` : `a whole number from ${low} to ${high}`;
  return z.int({ error }).min(low, { error }).max(high, { error });
};

/** A value that `read` parses from a text or number. */
function made<T>(error: string, read: (value: string | number) => T | undefined) {
  return z.union([z.string(), z.number()], { error }).transform((value, context) => {
    const result = read(value);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: error });
    return z.NEVER;
  });
}

/** In seconds. A number alone means minutes to Slurm and milliseconds to metalab: refused. */
export const seconds = made("a duration from a second, such as '2h', '01:30:00' or '1-12:00:00'", (value) => {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  return ms !== undefined && ms >= 1_000 ? Math.ceil(ms / 1_000) : undefined;
});

/** In bytes. A number alone means MiB to Slurm and bytes to metalab: refused. */
export const memory = made("an amount with its unit, from 1M, such as '32G'", (value) => {
  const bytes = typeof value === 'string' && !/\d\s*$/.test(value) ? parseMemorySize(value) : undefined;
  return bytes !== undefined && bytes >= 2 ** 20 ? bytes : undefined;
});

export const gpus = made("a whole number, or one with their kind such as 'a100:2'", parseGpus);

/** A list of texts; a text alone is a list of one. */
export const texts = (error = 'a text, or an array of texts') =>
  z
    .union([text(), z.array(text())], { error })
    .transform((value) => (typeof value === 'string' ? [value] : value));

const OPTIONS = "options of sbatch, one an item, such as ['--nice=100']";

/** Options of sbatch, one per item. */
export const options = texts(OPTIONS).superRefine((items, context) => {
  const refusals = items.map((item) => (/^-[^\n]*$/.test(item) ? refuseSbatchOption(item) : OPTIONS));
  const message = refusals.find((refusal) => refusal !== undefined);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const MAIL_TYPES = ['NONE', 'BEGIN', 'END', 'FAIL', 'REQUEUE', 'ALL', 'INVALID_DEPEND', 'STAGE_OUT'].concat([
  'TIME_LIMIT',
  'TIME_LIMIT_90',
  'TIME_LIMIT_80',
  'TIME_LIMIT_50',
  'ARRAY_TASKS',
]);

/** As for `sbatch --mail-type`. */
export const mailType = made(`one or several of ${MAIL_TYPES.join(', ')}, separated by commas`, (value) => {
  const words = String(value)
    .split(',')
    .map((word) => word.trim().toUpperCase());
  return words.every((word) => MAIL_TYPES.includes(word)) ? words.join(',') : undefined;
});

export const factor = z
  .number({ error: 'a factor from 1, such as 2.0' })
  .min(1, { error: 'a factor from 1, such as 2.0' });

/** Checked by the services' plugins: see check-services.ts. */
export const services = z.record(z.string(), z.unknown(), { error: 'a table of services' });
