import type { Experiment } from '../definition/experiment.js';
import type { SubmissionResults } from '../results/open.js';
import { checkExperiment, checkOptions } from './check-arguments.js';
import { connect } from './connect.js';
import { LAB_OPTIONS, type LabOptions, SUBMIT_OPTIONS, type SubmitOptions } from './lab.js';

/** Submits an experiment, waits for its results, and closes the connection: the one-liner. */
export async function run<Params>(
  experiment: Experiment<Params>,
  options: SubmitOptions & LabOptions = {},
): Promise<SubmissionResults<Params>> {
  checkExperiment('run', experiment);
  checkOptions('run', options, { ...SUBMIT_OPTIONS, ...LAB_OPTIONS });
  const { say, ...submit } = options;
  const lab = await connect({ say });
  try {
    return await (await lab.submit(experiment, submit)).result();
  } finally {
    await lab.close();
  }
}
