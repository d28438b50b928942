// @ts-check
import { join } from 'node:path';

/** @param {string} folder @param {import('./settings.mjs').RigSettings} settings */
export function slurmConf(folder, settings) {
  const { options, ports, user } = settings;
  /** @type {Record<string, string | number>} */
  const values = {
    ClusterName: settings.cluster,
    SlurmctldHost: `${settings.hostname}(127.0.0.1)`,
    SlurmctldPort: ports.controller,
    SlurmUser: user,
    SlurmdUser: user,
    AuthType: 'auth/munge',
    // For so long a requeued job waits, lest its node still has the credential of the last time: 120 s by default.
    AuthInfo: `socket=${mungeSocket(folder)},cred_expire=5`,
    CommunicationParameters: 'NoInAddrAny,NoCtldInAddrAny',
    StateSaveLocation: join(folder, 'state'),
    SlurmdSpoolDir: join(folder, 'spool-%n'),
    SlurmctldPidFile: join(folder, 'pids', 'slurmctld.pid'),
    SlurmdPidFile: join(folder, 'pids', 'slurmd-%n.pid'),
    SlurmctldLogFile: join(folder, 'log', 'slurmctld.log'),
    SlurmdLogFile: join(folder, 'log', 'slurmd-%n.log'),
    MailProg: '/bin/true',
    MpiDefault: 'none',
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_Core_Memory',
    DefMemPerCPU: 500,
    SlurmdParameters: 'config_overrides',
    SchedulerParameters: 'batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0',
    PreemptType: 'preempt/partition_prio',
    PreemptMode: 'REQUEUE',
    JobRequeue: 1,
    ReturnToService: 2,
    SlurmdTimeout: options.nodeTimeoutSeconds,
    BatchStartTimeout: 10,
    KillWait: 2,
    OverTimeLimit: 0,
    CompleteWait: 0,
    MinJobAge: options.minJobAgeSeconds,
    MaxArraySize: options.maxArraySize,
    MaxJobCount: options.maxJobCount,
    JobAcctGatherType: 'jobacct_gather/linux',
    JobAcctGatherFrequency: 'task=1',
    JobAcctGatherParams: 'OverMemoryKill',
    ...(options.accounting
      ? accountingValues(folder, settings)
      : { AccountingStorageType: 'accounting_storage/none' }),
    ...options.slurm,
  };
  return [
    ...Object.entries(values).map(([name, value]) => `${name}=${value}`),
    ...nodeLines(settings),
    '',
  ].join('\n');
}

/** @param {string} folder @param {import('./settings.mjs').RigSettings} settings */
const accountingValues = (folder, { ports }) => ({
  AccountingStorageType: 'accounting_storage/slurmdbd',
  AccountingStorageHost: '127.0.0.1',
  AccountingStoragePort: ports.accounting,
  // Where munged is, for slurmdbd's clients.
  AccountingStoragePass: mungeSocket(folder),
  AccountingStorageEnforce: 'associations,limits,qos',
});

/**
 * `main` takes nodes from what runs in `spare`, which is requeued; in `short` nothing runs for longer than a minute.
 *
 * @param {import('./settings.mjs').RigSettings} settings
 */
function nodeLines({ hostname, options, nodePorts }) {
  const size = `CPUs=${options.cpusPerNode} RealMemory=${options.memoryPerNodeMb}`;
  const nodes = Object.entries(nodePorts).map(
    ([name, port]) =>
      `NodeName=${name} NodeHostname=${hostname} NodeAddr=127.0.0.1 Port=${port} ${size} State=UNKNOWN`,
  );
  return [
    ...nodes,
    'PartitionName=main Nodes=ALL Default=YES PriorityTier=10 PreemptMode=OFF MaxTime=INFINITE DefaultTime=60 State=UP',
    'PartitionName=short Nodes=ALL PriorityTier=10 PreemptMode=OFF MaxTime=1 DefaultTime=1 State=UP',
    'PartitionName=spare Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE MaxTime=INFINITE DefaultTime=60 State=UP',
  ];
}

/** @param {string} folder @param {import('./settings.mjs').RigSettings} settings */
export const slurmdbdConf = (folder, { hostname, ports, user }) =>
  [
    'AuthType=auth/munge',
    `AuthInfo=socket=${mungeSocket(folder)}`,
    `DbdHost=${hostname}`,
    'DbdAddr=127.0.0.1',
    `DbdPort=${ports.accounting}`,
    `SlurmUser=${user}`,
    `LogFile=${join(folder, 'log', 'slurmdbd.log')}`,
    `PidFile=${join(folder, 'pids', 'slurmdbd.pid')}`,
    'StorageType=accounting_storage/mysql',
    'StorageHost=127.0.0.1',
    `StoragePort=${ports.database}`,
    `StorageUser=slurm`,
    'StoragePass=slurm',
    'StorageLoc=slurm',
    '',
  ].join('\n');

/** @param {string} folder */
export const mungeSocket = (folder) => join(folder, 'munge', 'socket');
