/** Thrown when this machine lacks what set-up can't provide: its message says what to do. */
export class SetupError extends Error {}
