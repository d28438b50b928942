import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { onTestFinished } from 'vitest';
import { kill } from './kill.js';
import { metalab } from './metalab.js';

export interface EngineStatus {
  /** null: not started, or none of metalab's. */
  readonly server: { readonly pid: number; readonly address: string } | null;
  /** A server that is none of metalab's. */
  readonly configured: { readonly address: string } | null;
  readonly workers: readonly { readonly pid: number }[];
}

/** What `metalab engine status --json` prints. */
export async function engineStatus(env: NodeJS.ProcessEnv = {}): Promise<EngineStatus> {
  const { stdout } = await metalab(['engine', 'status', '--json'], { env });
  return JSON.parse(stdout) as EngineStatus;
}

export async function serverAddress(env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { server, configured } = await engineStatus(env);
  return (configured ?? server)!.address;
}

/** A client of the engine's server, closed after the test. */
export async function temporalClient(env: NodeJS.ProcessEnv = {}): Promise<Client> {
  const connection = await Connection.connect({ address: await serverAddress(env) });
  onTestFinished(() => connection.close());
  return new Client({ connection, namespace: env.TEMPORAL_NAMESPACE ?? 'default' });
}

/** The workflow of an experiment in a store. */
export async function workflowOf(
  store: string,
  experiment: string,
  env: NodeJS.ProcessEnv = {},
): Promise<WorkflowHandle> {
  return (await temporalClient(env)).workflow.getHandle(workflowId(store, experiment));
}

export function workflowId(store: string, experiment: string): string {
  const { id } = JSON.parse(readFileSync(join(store, 'store.json'), 'utf8')) as { readonly id: string };
  return `metalab/${id}/${experiment}`;
}

export async function killWorkers(env: NodeJS.ProcessEnv = {}): Promise<void> {
  await kill(...(await engineStatus(env)).workers.map(({ pid }) => pid));
}

/** Kills the workers and the server. */
export async function killEngine(env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { workers, server } = await engineStatus(env);
  await kill(...[...workers, ...(server ? [server] : [])].map(({ pid }) => pid));
}
