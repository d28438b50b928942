import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { SubmissionRef, VerifyInput } from '../../contract/activities.js';
import {
  controlDocument,
  ENQUEUE_UPDATE,
  FAULT,
  type SubmissionRequest,
  submissionDocument,
} from '../../contract/workflow.js';
import type { SignatureStatus, SignedDocument } from '../../identity/signature.js';

/** Decides whether a worker acts on a request, or on a file of a store. */
export interface Signatures {
  verify(document: SignedDocument, signature: unknown): SignatureStatus;
}

/** For a worker that trusts its server: every request from it counts as signed. */
export const trustServer: Signatures = { verify: () => 'valid' };

/**
 * Wraps an activity so that it does nothing for an unsigned submission. The check comes before opening a store, since
 * anybody who reaches the server's port may name any path there.
 */
export function signed<Input extends SubmissionRef, Result>(
  signatures: Signatures,
  activity: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const refusal = refusalOfSubmission(signatures, input, input);
    if (refusal !== undefined) throw ApplicationFailure.nonRetryable(refusal, FAULT.refused);
    return activity(input);
  };
}

/** Creates the activity that checks the updates that a workflow receives. */
export function createVerify(signatures: Signatures) {
  return async (input: VerifyInput): Promise<string | null> => {
    if (input.update === ENQUEUE_UPDATE) return refusalOfSubmission(signatures, input, input.request) ?? null;
    const { update, request } = input;
    const document = controlDocument(workflowId(), update, request);
    return formatRefusal(signatures.verify(document, request?.signature)) ?? null;
  };
}

function refusalOfSubmission(
  signatures: Signatures,
  place: Pick<SubmissionRef, 'store' | 'experiment_id'>,
  request: SubmissionRequest,
): string | undefined {
  const document = submissionDocument(workflowId(), { ...place }, { ...request });
  return formatRefusal(signatures.verify(document, request?.signature));
}

const workflowId = () => Context.current().info.workflowExecution!.workflowId;

const SHARE =
  'if several users or machines use one Temporal server, set METALAB_KEY_FILE to the same key for all of them, or set METALAB_TRUST_SERVER=1 for all of them if its TLS and API keys decide who may submit';

/** @returns undefined if it is valid */
export function formatRefusal(status: SignatureStatus): string | undefined {
  switch (status) {
    case 'valid':
      return undefined;
    case 'unsigned':
      return `the request is not signed, so this worker does nothing for it: submit with this version of metalab, and with the key of this worker's METALAB_HOME; ${SHARE}`;
    case 'other-key':
      return `the request is signed with another key than this worker's, so this worker does nothing for it: submit with the key of this worker's METALAB_HOME; ${SHARE}`;
    case 'altered':
      return 'the request does not match its signature: its store, declaration, options or workflow is different, so this worker does nothing for it; submit again';
  }
}
