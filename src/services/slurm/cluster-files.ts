import { posix } from 'node:path';

const { join } = posix;

/**
 * Where an environment's services are on a cluster, below `file_root`: all of it private to the user.
 *
 *     services/programs/              what plans ship; shared by all services of the user
 *     services/{project}/{environment}/
 *       current                       the number of the job that may run; others end themselves
 *       data/{service}/               outlives its jobs
 *       log/{service}.log             of all its starts; what was before, in ….log.1
 *       jobs/{number}/                plan.json, batch.sh, files/, slurm.out; submit/, claimed, live/, state/: see job-script.ts
 */
export class ClusterFiles {
  /** `file_root`, absolute. */
  readonly spool: string;
  readonly services: string;
  readonly root: string;
  readonly programs: string;
  readonly logs: string;

  /**
   * @param spool `file_root`, absolute
   * @param project, environment names of folders
   */
  constructor(spool: string, project: string, environment: string) {
    this.spool = spool;
    this.services = join(spool, 'services');
    this.root = join(this.services, project, environment);
    this.programs = join(this.services, 'programs');
    this.logs = join(this.root, 'log');
  }

  get current(): string {
    return join(this.root, 'current');
  }

  data(service: string): string {
    return join(this.root, 'data', service);
  }

  log(service: string): string {
    return join(this.logs, `${service}.log`);
  }

  job(number: number): string {
    return join(this.root, 'jobs', `${number}`);
  }
}

export const planFile = (job: string): string => join(job, 'plan.json');
export const scriptFile = (job: string): string => join(job, 'batch.sh');
/** What its services read: put in its place when the job begins, since an earlier one may still run. */
export const givenFile = (job: string, at: number): string => join(job, 'files', `${at}`);
/** There: it was ended on request, which is no death. */
export const downFile = (job: string): string => join(job, 'down');
export const outputFile = (job: string): string => join(job, 'slurm.out');
