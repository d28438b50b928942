/** `scontrol show config`: one `Key = value` per line. */
export function parseSlurmConfig(output: string): Map<string, string> {
  const config = new Map<string, string>();
  for (const line of output.split('\n')) {
    const match = /^(\S+)\s*=\s*(.*?)\s*$/.exec(line);
    if (match) config.set(match[1]!, match[2]!);
  }
  return config;
}

/** One line of `Key=value` pairs, as `scontrol --oneliner show partition` prints: values contain no spaces. */
export function parsePairs(line: string): Map<string, string> {
  const pairs = new Map<string, string>();
  for (const match of line.matchAll(/(?:^|\s)([A-Za-z][\w:/]*)=(\S*)/g)) pairs.set(match[1]!, match[2]!);
  return pairs;
}

/**
 * Slurm's durations: `30`, `30:00`, `2:30:00`, `1-02:30:00`, `UNLIMITED`. @returns seconds; undefined: no limit, or
 * none given
 */
export function parseSlurmTime(text: string | undefined): number | undefined {
  const match = /^(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?$/.exec(text ?? '');
  if (!match) return undefined;
  const [days, a, b, c] = match.slice(1).map((part) => (part === undefined ? undefined : Number(part)));
  if (days !== undefined) return days * 86_400 + a! * 3_600 + (b ?? 0) * 60 + (c ?? 0);
  if (c !== undefined) return a! * 3_600 + b! * 60 + c;
  // A number by itself is minutes.
  return b === undefined ? a! * 60 : a! * 60 + b;
}

/** One row of `sacctmgr --parsable2`: the limits of one association or QOS. */
export type LimitRow = ReadonlyMap<string, string>;

/** Rows of `sacctmgr --parsable2` with its header. */
export function parseTable(output: string): LimitRow[] {
  const [header, ...lines] = output.split('\n').filter((line) => line !== '');
  const keys = header?.split('|') ?? [];
  return lines.map((line) => {
    const values = line.split('|');
    return new Map(keys.map((key, at) => [key, values[at] ?? '']));
  });
}

/** Columns that limit how many jobs a user may have submitted at a time, as the releases name them. */
const SUBMIT_COLUMNS = [
  'MaxSubmit',
  'MaxSubmitJobs',
  'MaxSubmitPU',
  'MaxSubmitJobsPU',
  'MaxSubmitPA',
  'GrpSubmit',
];

/** The lowest submit limit in the rows; Infinity if they have none. */
export function lowestSubmitLimit(rows: readonly LimitRow[]): number {
  const limits = rows.flatMap((row) =>
    SUBMIT_COLUMNS.map((column) => row.get(column)).filter((value) => /^\d+$/.test(value ?? '')),
  );
  return Math.min(Number.POSITIVE_INFINITY, ...limits.map(Number));
}

/** `sinfo --format=%C`: `allocated/idle/other/total`, in CPUs. @returns those that are not down or drained */
export function parseCpus(output: string): number | undefined {
  const match = /(\d+)\/(\d+)\/(\d+)\/(\d+)/.exec(output);
  return match ? Number(match[1]) + Number(match[2]) : undefined;
}
