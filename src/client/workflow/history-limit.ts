import type { ExperimentInput } from '../../contract/workflow.js';

/** One chunk takes six or seven. */
const MIN_EVENTS = 50;

/** For servers with lower limits than Temporal's own, and for tests that want many workflow runs. */
export const historyLimit = (text: string | undefined): Pick<ExperimentInput, 'most_events'> =>
  text && Number(text) >= MIN_EVENTS ? { most_events: Number(text) } : {};
