/**
 * How a task's job leaves, where that is not by its runs: each has said why in full on the lines of its output that begin
 * with `metalab:`. What it did is in `ended/`; a job that leaves by one of the others has claimed nothing.
 */
export const EXIT = {
  /** A fault of the place, told in `ended/` too. */
  fault: 1,
  /** A module, the conda environment or a line of `setup` failed. */
  setup: 80,
  /** Neither the node's own Node nor the shipped one can be used. */
  noNode: 81,
  /** The node's C library is older than the shipped Node needs. */
  oldLibrary: 82,
} as const;

/** How lines begin by which the script and the program of a task speak to people. */
export const SAYS = 'metalab: ';

/** What the script of a task that Slurm has queued again begins with, and then which restart it is. */
export const SAYS_RESTART = `${SAYS}task begins again, restart `;

/** How the script begins to say that a module, the conda environment or a line of `setup` failed. */
export const SET_UP_FAILED = 'the set-up of the task failed: ';

/** What is said where another array, with a Node that is shipped, would do better. */
export const NO_NODE_SHIPPED = 'there is no suitable Node on this node, and none was shipped';
