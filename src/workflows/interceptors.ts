import type { WorkflowInterceptors } from '@temporalio/workflow';

/**
 * Ends a workflow that throws `CancelledFailure` as Canceled, also if the cancel came through metalab's update. The SDK
 * does so only if the workflow itself was cancelled, and would end it as Failed otherwise.
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
