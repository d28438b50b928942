/** What an experiment file in a test differs in from the plainest one. */
export interface ExperimentParts {
  /** The operation's body; `params`, `seeds`, `context`, `capture` and `runtime` are in scope. */
  readonly body?: string;
  /** TypeScript of further or other properties of the experiment, e.g. `retries: 1, params: grid({ x: [] })`. */
  readonly properties?: string;
  /** Lines before the operation. */
  readonly before?: string;
  /** Lines after the experiment. */
  readonly after?: string;
}

/** The text of a file with one experiment, `e:1`, over x = 1, 2, 3; its operation is async. */
export function experimentText({
  body = "capture.metric('y', 2 * params.x);",
  properties = '',
  before = '',
  after = '',
}: ExperimentParts = {}): string {
  return `import { dir, experiment, file, grid, manual, operation, random, seeds, uniform, z } from 'metalab';
${before}
export const work = operation(async ({ params, seeds, context, capture, runtime }) => {
  ${body}
});

export const base = { name: 'e', version: '1', operation: work, params: grid({ x: [1, 2, 3] }), seeds: seeds({ base: 1 }) };
export default experiment({ ...base, ${properties} });
${after}
`;
}
