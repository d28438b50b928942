import { z } from 'zod';

/** What to log in to. Plain JSON. */
export interface LoginRequest {
  /** The environment's name, for people. */
  readonly environment: string;
  /**
   * How to reach its gateway. The name alone is not enough, since projects may use the same name for different
   * gateways.
   */
  readonly gateway: {
    readonly host: string;
    readonly user?: string | undefined;
    readonly port?: number | undefined;
    readonly ssh_key?: string | undefined;
    readonly jump?: readonly string[] | undefined;
  };
}

/** Messages from the command line to the worker. */
export const ToWorker = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('login'),
    environment: z.string(),
    gateway: z.object({
      host: z.string(),
      user: z.string().optional(),
      port: z.number().optional(),
      ssh_key: z.string().optional(),
      jump: z.array(z.string()).optional(),
    }),
  }),
  z.object({ type: z.literal('answers'), answers: z.array(z.string()) }),
  z.object({ type: z.literal('gave-up') }),
]);
export type ToWorker = z.infer<typeof ToWorker>;

/** Messages from the worker to the command line. */
export const FromWorker = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ask'),
    what: z.string(),
    prompts: z.array(z.object({ text: z.string(), echo: z.boolean() })),
  }),
  z.object({ type: z.literal('done') }),
  z.object({
    type: z.literal('failed'),
    error: z.object({
      code: z.templateLiteral(['METALAB_', z.string()]),
      what: z.string(),
      where: z.string().optional(),
      expected: z.string().optional(),
      next: z.string().optional(),
    }),
  }),
]);
export type FromWorker = z.infer<typeof FromWorker>;
