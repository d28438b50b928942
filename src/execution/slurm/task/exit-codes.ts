/** The task's program: a fault of the place, told in full in `ended/` and in the task's output. */
export const TASK_FAULT = 1;
