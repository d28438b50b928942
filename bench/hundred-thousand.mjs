// What the benchmark submits by the command line to a cluster.
import { noopSweep } from './noop.mjs';

export default noopSweep(100_000);
