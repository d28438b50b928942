import { describe, expect, it } from 'vitest';
import { isOverLimit } from '../../../src/execution/slurm/job/submit-script.js';

const LAST =
  "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)";
const REFUSED = 'sbatch: error: Batch job submission failed:';

describe('what sbatch refuses', () => {
  it.each([
    LAST,
    `sbatch: error: AssocMaxSubmitJobLimit\n${LAST}`,
    `sbatch: error: AssocGrpSubmitJobsLimit\n${LAST}`,
    `sbatch: error: QOSMaxSubmitJobPerUserLimit\n${LAST}`,
    `sbatch: error: QOSGrpSubmitJobsLimit\n${LAST}`,
    `${REFUSED} Job/step limit reached`,
    `${REFUSED} Resource temporarily unavailable`,
  ])('passes by itself where jobs must end first: %s', (message) => {
    expect(isOverLimit(message)).toBe(true);
  });

  it.each([
    `sbatch: error: QOSMaxWallDurationPerJobLimit\n${LAST}`,
    `sbatch: error: QOSMaxCpuPerJobLimit\n${LAST}`,
    `sbatch: error: QOSMaxMemoryPerUser\n${LAST}`,
    `sbatch: error: QOSMinGRES\n${LAST}`,
    `sbatch: error: AssocMaxWallDurationPerJobLimit\n${LAST}`,
    `sbatch: error: AssocMaxCpuPerJobLimit\n${LAST}`,
    `sbatch: error: MaxTRESPerAccount\n${LAST}`,
    `${REFUSED} Invalid partition name specified`,
    `${REFUSED} Requested time limit is invalid (missing or exceeds some limit)`,
  ])('is for good where the job asks for more than is allowed: %s', (message) => {
    expect(isOverLimit(message)).toBe(false);
  });
});
