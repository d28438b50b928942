import type { WorkflowInterceptors } from '@temporalio/workflow';

/**
 * A workflow that ends with a `CancelledFailure` ends as Canceled, also where the cancel came by metalab's update: the SDK
 * does that only where the workflow itself was cancelled, and would end it as Failed.
 */
export const interceptors = (): WorkflowInterceptors => ({
  internals: [
    {
      concludeActivation: ({ commands }, next) =>
        next({
          commands: commands.map((command) =>
            command.failWorkflowExecution?.failure?.canceledFailureInfo
              ? { cancelWorkflowExecution: {} }
              : command,
          ),
        }),
    },
  ],
});
