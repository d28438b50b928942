// The million no-op runs as an experiment file, for the command line.
import { noopSweep } from './noop.mjs';

export default noopSweep(1_000_000);
