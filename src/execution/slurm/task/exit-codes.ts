/**
 * How a task's job exits, if not because of its runs. Each has explained the reason in lines of its output that begin
 * with `metalab:`. What it did is in `ended/`; a job that exits with one of the others has taken nothing.
 */
export const EXIT = {
  /** A fault of the executor, also written to `ended/`. */
  fault: 1,
  /** A module, the conda environment or a `setup` line failed. */
  setup: 80,
  /** Neither the node's own Node nor the shipped one works. */
  noNode: 81,
  /** The node's C library is older than the shipped Node needs. */
  oldLibrary: 82,
} as const;

/** Prefix of lines in which the script and the program of a task speak to people. */
export const SAYS = 'metalab: ';

/** Begins the output of a task that Slurm has requeued, and is followed by the restart's number. */
export const SAYS_RESTART = `${SAYS}task begins again, restart `;

/** Begins the script's message that a module, the conda environment or a `setup` line failed. */
export const SET_UP_FAILED = 'the set-up of the task failed: ';

/** Printed if another array, with a shipped Node, would work. */
export const NO_NODE_SHIPPED = 'there is no suitable Node on this node, and none was shipped';
