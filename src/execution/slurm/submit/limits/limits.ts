import type { Resources } from '../../../../config/resolved-config.js';
import type { AskCluster } from '../../cluster-retry.js';
import {
  type LimitRow,
  lowestSubmitLimit,
  parseCpus,
  parsePairs,
  parseSlurmConfig,
  parseSlurmTime,
  parseTable,
} from './parse-limits.js';

/** A cluster's limits for this user in a partition. */
export interface ClusterLimits {
  /** The most tasks of one array. */
  readonly array_tasks: number;
  /**
   * The most jobs that the user may have at a time, pending and running; each task of an array is one. Infinity: no
   * limit is known.
   */
  readonly submit: number;
  /** The time limit of a job that requests none, and the highest that it may request. Seconds; null: unlimited. */
  readonly default_time_s: number | null;
  readonly max_time_s: number | null;
  /** CPUs of the partition that are up; null: not known. */
  readonly cpus: number | null;
  readonly accounting: boolean;
}

// Each of the two parts ends with a line of its own, so that one round trip asks for everything. Each may fail by
// itself: clusters without accounting have no working sacctmgr, and a user may not be allowed to see every QOS.
const SCRIPT = `LC_ALL=C; export LC_ALL
part=$1; account=$2
[ -n "$part" ] || part=$(scontrol show partition --oneliner | sed -n 's/^PartitionName=\\([^ ]*\\).* Default=YES.*/\\1/p' | head -n 1)
scontrol show config || exit 1
echo "@partition"
scontrol --oneliner show partition "$part" 2>/dev/null
echo "@cpus"
sinfo --noheader --partition="$part" --format=%C 2>/dev/null
echo "@associations"
sacctmgr --parsable2 show associations where user="$(id -un)" format=Account,Partition,MaxSubmitJobs,GrpSubmitJobs,QOS,DefaultQOS 2>/dev/null
echo "@accounts"
sacctmgr --parsable2 show associations where user= format=Account,ParentName,GrpSubmitJobs 2>/dev/null
echo "@qos"
sacctmgr --parsable2 show qos format=Name,MaxSubmitJobsPerUser,MaxSubmitJobsPerAccount,GrpSubmitJobs 2>/dev/null
echo "@end"
`;

export async function readLimits(
  ask: AskCluster,
  place: Pick<Resources, 'partition' | 'account' | 'qos'>,
): Promise<ClusterLimits> {
  const { partition = '', account = '' } = place;
  const { stdout } = await ask(['sh', '-c', SCRIPT, 'metalab', partition, account], {
    isAnswer: ({ exitCode, stdout: output }) => exitCode === 0 && output.includes('@end'),
  });
  return limitsOf(stdout, place);
}

/** Pure: parses the script's output. */
export function limitsOf(
  output: string,
  { account, qos, partition }: Pick<Resources, 'partition' | 'account' | 'qos'>,
): ClusterLimits {
  const [configuration = '', ...parts] = output.split(/^@/m);
  const part = (name: string) =>
    parts.find((text) => text.startsWith(`${name}\n`))?.slice(name.length + 1) ?? '';
  const config = parseSlurmConfig(configuration);
  const pairs = parsePairs(part('partition').split('\n')[0] ?? '');
  const rows = [
    ...associationRows(parseTable(part('associations')), account, partition),
    ...accountRows(parseTable(part('accounts')), parseTable(part('associations')), account),
    ...qosRows(parseTable(part('qos')), parseTable(part('associations')), [qos, pairs.get('QoS')], account),
  ];
  const enforced = /limits|safe|qos/i.test(config.get('AccountingStorageEnforce') ?? '');
  const maxJobs = Number(config.get('MaxJobCount'));
  return {
    // Indices go from 0 to MaxArraySize - 1; a scheduler may take fewer tasks than that.
    array_tasks: Math.max(
      1,
      Math.min(
        Number(config.get('MaxArraySize')) || 1001,
        Number(/\bmax_array_tasks=(\d+)/i.exec(config.get('SchedulerParameters') ?? '')?.[1] ?? Infinity),
      ),
    ),
    submit: Math.min(enforced ? lowestSubmitLimit(rows) : Infinity, maxJobs > 0 ? maxJobs : Infinity),
    default_time_s: parseSlurmTime(pairs.get('DefaultTime')) ?? parseSlurmTime(pairs.get('MaxTime')) ?? null,
    max_time_s: parseSlurmTime(pairs.get('MaxTime')) ?? null,
    cpus: parseCpus(part('cpus')) ?? null,
    accounting: /slurmdbd|mysql/i.test(config.get('AccountingStorageType') ?? ''),
  };
}

/**
 * The user's associations that may apply to a job: those of the named account, if any, and of the partition or of all
 * partitions.
 */
function associationRows(rows: readonly LimitRow[], account?: string, partition?: string): LimitRow[] {
  return rows.filter(
    (row) =>
      (account === undefined || row.get('Account') === account) &&
      (partition === undefined || ['', partition].includes(row.get('Partition') ?? '')),
  );
}

/** Limits of the accounts above the user's. */
function accountRows(accounts: readonly LimitRow[], own: readonly LimitRow[], account?: string): LimitRow[] {
  const above: LimitRow[] = [];
  const waiting = account === undefined ? own.map((row) => row.get('Account') ?? '') : [account];
  const seen = new Set<string>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (name === '' || seen.has(name)) continue;
    seen.add(name);
    for (const row of accounts.filter((each) => each.get('Account') === name)) {
      above.push(row);
      waiting.push(row.get('ParentName') ?? row.get('Par Name') ?? '');
    }
  }
  return above;
}

/** The QOS of a job: the requested one, else its association's default; and its partition's. */
function qosRows(
  all: readonly LimitRow[],
  own: readonly LimitRow[],
  named: readonly (string | undefined)[],
  account?: string,
): LimitRow[] {
  const [asked, ofPartition] = named;
  const defaults = associationRows(own, account).map(
    (row) => row.get('Def QOS') || row.get('DefaultQOS') || (row.get('QOS') ?? '').split(',')[0],
  );
  const names = new Set([...(asked === undefined ? defaults : [asked]), ofPartition]);
  return all.filter((row) => names.has(row.get('Name') ?? ''));
}
