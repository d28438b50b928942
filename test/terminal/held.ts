/** The body of an operation that waits for the file `go`, or for its project's end. */
export const HELD = `const { existsSync } = await import('node:fs');
  while (!existsSync('go') && existsSync('experiment.ts')) await new Promise((done) => setTimeout(done, 20));
  capture.metric('y', params.x);`;
