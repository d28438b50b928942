/** Bytes of a mebibyte and a gibibyte. */
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

const UNITS = { '': 1, k: 1024, m: MIB, g: GIB, t: 1024 ** 4 } as const;

/** An amount of memory: bytes, or a string such as `'512M'`, `'4G'`, `'1.5GiB'` (powers of 1024, as Slurm counts). */
export type MemorySize = number | string;

/** @returns bytes, or `undefined` if the value is not a positive amount. */
export function parseMemorySize(value: MemorySize): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value > 0 ? Math.floor(value) : undefined;
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(value.trim());
  if (!match) return undefined;
  const bytes = Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase() as keyof typeof UNITS]);
  return bytes > 0 ? bytes : undefined;
}
