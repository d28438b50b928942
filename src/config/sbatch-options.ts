// sbatch's options that extra_sbatch must not contain: it comes last on the command line, and so overrides.

interface OwnOption {
  readonly long: string;
  readonly short?: string;
  /** The key to use instead; without one, metalab sets the option itself. */
  readonly key?: string;
}

const OWN: readonly OwnOption[] = [
  // metalab finds a job by its name, reads its array and output, and parses the id that sbatch prints.
  { long: 'job-name', short: 'J' },
  { long: 'array', short: 'a', key: 'chunk_size, max_array_size or max_concurrent' },
  { long: 'output', short: 'o' },
  { long: 'error', short: 'e' },
  { long: 'wrap' },
  { long: 'wait', short: 'W' },
  { long: 'test-only' },
  { long: 'clusters', short: 'M' },
  { long: 'help', short: 'h' },
  { long: 'usage' },
  { long: 'version', short: 'V' },
  // metalab reads limits, sizes tasks and explains why a task ended from these.
  { long: 'time', short: 't', key: 'time' },
  { long: 'mem', key: 'memory' },
  { long: 'mem-per-cpu', key: 'memory' },
  { long: 'mem-per-gpu', key: 'memory' },
  { long: 'cpus-per-task', short: 'c', key: 'cpus' },
  { long: 'ntasks', short: 'n', key: 'cpus' },
  { long: 'nodes', short: 'N' },
  { long: 'partition', short: 'p', key: 'partition' },
  { long: 'account', short: 'A', key: 'account' },
  { long: 'qos', short: 'q', key: 'qos' },
];

/** @returns what to write instead of an option that `extra_sbatch` must not contain; undefined if it may */
export function refuseSbatchOption(option: string): string | undefined {
  const own = OWN.find((each) => isMeant(option, each));
  if (!own) return undefined;
  const name = `--${own.long}`;
  return own.key === undefined
    ? `options of sbatch other than ${name}, which metalab sets itself`
    : `${own.key} of the executor in the place of ${name}`;
}

function isMeant(option: string, { long, short }: OwnOption): boolean {
  const name = /^--([^=\s]*)/.exec(option)?.[1];
  // sbatch accepts a prefix of an option's name.
  if (name !== undefined) return name.length > 1 && long.startsWith(name);
  // Options without a value may come before it: `-HJname`.
  return short !== undefined && (/^-[HIkOQsvhVW]*[A-Za-z]?/.exec(option)?.[0].includes(short) ?? false);
}
