// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { freePorts } from './ports.mjs';
import { ServerProcess } from './server-process.mjs';
import { SERVICES, temporalConfig } from './temporal-config.mjs';

const READY_WITHIN_MS = 60_000;
const NAMESPACE = 'default';

/** A Temporal server whose database is PostgreSQL, in a folder of its own. */
export class TemporalServer {
  #folder;
  #program;
  /** @type {ServerProcess | undefined} */
  #process;
  port;

  /**
   * @param {string} folder
   * @param {string} program
   * @param {number} port
   */
  constructor(folder, program, port) {
    this.#folder = folder;
    this.#program = program;
    this.port = port;
  }

  /**
   * @param {string} folder is made
   * @param {string} program the server's executable
   * @param {import('./postgres.mjs').Postgres} postgres with both databases
   */
  static async create(folder, program, postgres) {
    const free = await freePorts(2 * SERVICES.length);
    const pairs = SERVICES.map((_, i) => ({
      grpcPort: free[2 * i] ?? 0,
      membershipPort: free[2 * i + 1] ?? 0,
    }));
    const [frontend, history, matching, worker] =
      /** @type {[typeof pairs[0], typeof pairs[0], typeof pairs[0], typeof pairs[0]]} */ (pairs);
    const config = temporalConfig(postgres, { frontend, history, matching, worker });
    mkdirSync(join(folder, 'config'), { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'config', 'rig.yaml'), JSON.stringify(config, null, 2), { mode: 0o600 });
    const server = new TemporalServer(folder, program, frontend.grpcPort);
    await server.start();
    return server;
  }

  get address() {
    return `127.0.0.1:${this.port}`;
  }

  get pid() {
    return this.#process?.pid ?? 0;
  }

  /** Starts it and waits until the namespace `default` can be used. */
  async start() {
    const child = new ServerProcess({
      command: this.#program,
      args: ['--allow-no-auth', '--root', this.#folder, '--config', 'config', '--env', 'rig', 'start'],
      folder: this.#folder,
      logFile: join(this.#folder, 'server.log'),
    });
    this.#process = child;
    /** @type {unknown} */
    let last;
    for (const end = Date.now() + READY_WITHIN_MS; Date.now() < end && child.runs; await sleep(100)) {
      try {
        await this.#use();
        return;
      } catch (error) {
        last = error;
      }
    }
    await child.end('SIGKILL');
    throw new Error(`the Temporal server did not become usable: ${last}\n${child.lastWords}`);
  }

  async kill() {
    await this.#process?.end('SIGKILL');
  }

  /** What a client needs of every service: registers the namespace where it is missing, and asks for a workflow. */
  async #use() {
    const connection = await Connection.connect({ address: this.address, connectTimeout: 1_000 });
    try {
      await connection.withDeadline(Date.now() + 5_000, async () => {
        const { workflowService } = connection;
        await workflowService.describeNamespace({ namespace: NAMESPACE }).catch(() =>
          workflowService.registerNamespace({
            namespace: NAMESPACE,
            workflowExecutionRetentionPeriod: msToTs('1 day'),
          }),
        );
        await workflowService.countWorkflowExecutions({ namespace: NAMESPACE });
        await workflowService.describeTaskQueue({
          namespace: NAMESPACE,
          taskQueue: { name: 'metalab' },
          taskQueueType: 1,
        });
        await workflowService
          .describeWorkflowExecution({ namespace: NAMESPACE, execution: { workflowId: 'none' } })
          .catch((/** @type {{ code?: number }} */ error) => {
            if (error.code !== NOT_FOUND) throw error;
          });
      });
    } finally {
      await connection.close();
    }
  }
}

/** gRPC's status code. */
const NOT_FOUND = 5;
