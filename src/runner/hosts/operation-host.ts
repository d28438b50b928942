import type { OperationDeclaration } from '../../definition/declaration.js';
import type { Derivation } from '../../definition/derivation.js';
import type { Run } from '../run/run.js';

/**
 * Executes the runs of one operation in a slot. Each kind of operation has its own implementation. The slot handles
 * retries, timeouts, records and captured values.
 */
export interface OperationHost {
  /**
   * Executes one attempt of a run; the next one begins when this has ended.
   *
   * A host whose runs can be interrupted listens to `run.onInterruption`. A run that does not settle within the
   * interruption's grace period is ended together with the slot.
   *
   * @returns what the operation returned, or a promise of it
   * @throws what the operation threw
   */
  run(run: Run): unknown;
  /** The derivations that came with the operation, by name. */
  readonly derived?: { readonly [name: string]: Derivation };
  /** Frees what the host keeps between runs. Called while no run is in progress. */
  stop(): void | Promise<void>;
}

/**
 * Starts a host, before the first run.
 *
 * @param folder the experiment's folder in the store
 * @throws StoreError if a file of the submission is missing or damaged; whatever the user's code throws at import
 */
export type StartHost<Operation extends OperationDeclaration = OperationDeclaration> = (
  folder: string,
  operation: Operation,
) => Promise<OperationHost>;
