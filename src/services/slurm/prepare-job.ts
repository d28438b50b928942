import type { SlurmEnvironment } from '../../config/resolved-config.js';
import type { ClusterRetry } from '../../execution/slurm/cluster-retry.js';
import type { JobRequest } from '../../execution/slurm/job/scheduled-job.js';
import { uploadMissing } from '../../execution/slurm/spool/upload.js';
import type { ClusterLimits } from '../../execution/slurm/submit/limits/limits.js';
import type { Transport } from '../../transport/transport.js';
import type { ServiceSpec } from '../service.js';
import type { ServiceEnvironmentOptions, UpOptions } from '../service-environment.js';
import { type ClusterFiles, givenFile, planFile, scriptFile } from './cluster-files.js';
import { jobScript } from './job-script.js';
import { type MadePlan, makePlans } from './make-plans.js';
import type { ClusterJob, JobPlan, PlannedService } from './read-jobs.js';
import { commentOf, sbatchArguments, timeOf } from './sbatch.js';

export interface WantedJob {
  readonly specs: readonly ServiceSpec[];
  readonly number: number;
  readonly files: ClusterFiles;
  /** The one before. */
  readonly last: ClusterJob | undefined;
  /** Whether that still runs: this one follows it. */
  readonly follows: boolean;
  /** Ports that were in use on a node. */
  readonly taken: ReadonlySet<number>;
  readonly limits: ClusterLimits;
}

interface Around {
  readonly services: ServiceEnvironmentOptions;
  readonly environment: SlurmEnvironment;
  readonly transport: Transport;
  readonly retry: ClusterRetry;
}

/** Private folders. Arguments: those to make, of which the first contains the others. */
const FOLDERS_SCRIPT = 'umask 077; mkdir -p "$@" && chmod 700 "$1"';

/** Has plans made, and brings all that the job needs to the cluster. Can be repeated. */
export async function prepareJob(
  wanted: WantedJob,
  { services, environment, transport, retry }: Around,
  { onProgress }: UpOptions,
): Promise<{ readonly plan: JobPlan; readonly request: JobRequest }> {
  const { specs, number, files, last, follows, taken, limits } = wanted;
  const folder = files.job(number);
  const folders = [files.services, folder, files.programs, ...specs.map(({ name }) => files.data(name))];
  await retry.ask(['sh', '-c', FOLDERS_SCRIPT, 'metalab', ...folders, files.logs]);
  const { stdout: system } = await retry.ask(['uname', '-sm']);
  const cluster = { system: system.trim(), programs: files.programs };
  const made = await makePlans(specs, services, { files, cluster }, last?.plan?.services ?? [], taken);
  for (const { spec, plan } of made)
    for (const warning of plan.warnings ?? []) onProgress(`warning: ${spec.name}: ${warning}`);
  const ship = made.flatMap(({ plan }) => plan.ship ?? []);
  await uploadMissing(
    transport,
    retry,
    ship.map(({ from, to, mode }) => ({ from: { path: from }, to, mode })),
  );
  const after = follows && last ? last : undefined;
  const time_s = timeOf(limits);
  const given = made.flatMap(({ plan: { fragment } }) => Object.entries(fragment.files));
  const plan: JobPlan = {
    after: after?.number ?? null,
    services: made.map((one) => plannedOf(one, files, last)),
  };
  const script = jobScript({
    ...environment.executor,
    files,
    number,
    after: after?.number ?? null,
    time_s,
    places: given.map(([path]) => path),
    services: made.map(({ spec: { name }, port, plan: { fragment } }) => ({ ...fragment, name, port })),
  });
  const fragments = made.map(({ plan: { fragment } }) => fragment);
  const written: [string, string][] = [
    ...given.map(([, content], at): [string, string] => [givenFile(folder, at), content]),
    [planFile(folder), `${JSON.stringify(plan)}\n`],
    [scriptFile(folder), script],
    ...(after ? [] : [[files.current, `${number}\n`] as [string, string]]),
  ];
  for (const [path, content] of written)
    await retry.until(() => transport.write(content, path, { mode: 0o600 }));
  const sbatch = sbatchArguments(folder, fragments, environment.executor, time_s, after?.id);
  return { plan, request: { folder, name: commentOf(folder), sbatch, tasks: 1 } };
}

function plannedOf(
  { spec: { name }, port, plan: { credentials, metadata, provides } }: MadePlan,
  files: ClusterFiles,
  last: ClusterJob | undefined,
): PlannedService {
  const before = last?.down ? undefined : last?.plan?.services.find((service) => service.name === name);
  const restarts = before ? before.restarts + (last?.restarts.get(name) ?? 0) + (last?.all ? 1 : 0) : 0;
  return { name, port, log: files.log(name), credentials, metadata, provides, restarts };
}
