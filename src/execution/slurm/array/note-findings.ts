import type { AccountedTask } from '../queue/sacct.js';
import { meaningOf } from '../queue/states.js';
import { addFailures, type NodeFailure } from '../spool/state-file.js';
import type { PreparedArray } from '../submit/prepare-array.js';
import type { FailureClass, TaskEvidence } from './classify-failure.js';
import type { Round } from './rounds.js';

/** A task that left runs undone, and why. */
export interface ClassifiedTask {
  readonly task: number;
  readonly evidence: TaskEvidence;
  readonly failure: FailureClass;
}

export interface Findings {
  readonly classified: readonly ClassifiedTask[];
  readonly accounts: readonly AccountedTask[];
  readonly next: Round | undefined;
  readonly missesNode: boolean;
  /** No task of it began any work. */
  readonly failed: boolean;
}

/** Notes in the submission's state file what later arrays need: nodes that failed, resources that grow, the next round. */
export async function noteFindings(
  { state, order, escalated: had }: PreparedArray,
  { classified, accounts, next, missesNode, failed }: Findings,
): Promise<void> {
  const grows = (what: 'time' | 'memory') => classified.some(({ failure }) => failure.grow === what);
  const nodes = failedNodes(classified, accounts, failed || missesNode);
  if (nodes.length === 0 && !next && !missesNode) return;
  await state.change((before) => {
    const { escalated, rounds, node_missed } = before;
    // The growth that this array already had counts once: others may have found the same.
    const grown = (what: 'time' | 'memory') => Math.max(escalated[what], grows(what) ? had[what] + 1 : 0);
    return {
      node_failures: addFailures(before, nodes),
      node_missed: node_missed || missesNode,
      escalated: { time: grown('time'), memory: grown('memory') },
      ...(next ? { rounds: { ...rounds, [order.token]: next } } : {}),
    };
  });
}

/** @param faulty something else than the nodes failed: no task began any work on any node */
function failedNodes(
  classified: readonly ClassifiedTask[],
  accounts: readonly AccountedTask[],
  faulty: boolean,
): NodeFailure[] {
  // Nodes whose tasks Slurm has requeued by itself.
  const before = accounts.filter(
    ({ state, nodes, endedAt }) => meaningOf(state) === 'node' && nodes && endedAt,
  );
  const ofTasks = classified.flatMap(({ evidence: { live, end }, failure: { failedNode: node, fault } }) => {
    const told = end ?? live;
    const [began, at] = told ? [told.started_at, told.updated_at].map(Date.parse) : [Date.now(), Date.now()];
    return node && !(fault && faulty) ? [{ node, began: began!, at: at! }] : [];
  });
  return [
    ...before.map(({ nodes, endedAt, elapsedMs }) => ({
      node: nodes,
      began: endedAt - elapsedMs,
      at: endedAt,
    })),
    ...ofTasks,
  ].sort((a, b) => a.began - b.began);
}
