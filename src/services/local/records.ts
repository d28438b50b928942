import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../../engine/state.js';
import type { StopRequest } from '../plugin.js';
import type { LocalProcess, ReadinessCheck, ServiceHandle, ServiceSpec } from '../service.js';
import { isAlive } from './process-tree.js';

/** What is kept of a service, in a private file: enough to find it, check it and end it from any process. */
export interface ServiceRecord
  extends Pick<
    ServiceHandle,
    'name' | 'port' | 'credentials' | 'metadata' | 'provides' | 'log' | 'restarts'
  > {
  /** Of this start: see `MARKER`. */
  readonly id: string;
  /** As it was started: where another is wanted, it is started again. */
  readonly spec: ServiceSpec;
  /** The machine: a home folder may be shared by several. */
  readonly host: string;
  readonly readiness: ReadinessCheck;
  /** Whether it still answers, once it was ready. */
  readonly health: ReadinessCheck;
  readonly stop: StopRequest;
  /** null: it was about to be started; the file of its start says what came of that. */
  readonly process: LocalProcess | null;
  /** ISO 8601; null: it has not been ready yet. */
  readonly since: string | null;
  /** Ended on request: it is not a death. */
  readonly ended: boolean;
}

/** The records of an environment's services: one file each, replaced in one step. */
export class ServiceRecords {
  readonly #folder: string;

  /** @param folder private; exists */
  constructor(folder: string) {
    this.#folder = folder;
  }

  read(name: string): ServiceRecord | undefined {
    const value = readJson(this.#file(name)) as ServiceRecord | undefined;
    return typeof value?.id === 'string' ? value : undefined;
  }

  all(): ServiceRecord[] {
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => this.read(name.slice(0, -'.json'.length)) ?? []);
  }

  write(record: ServiceRecord): void {
    writeJson(this.#file(record.name), record);
  }

  #file(name: string): string {
    return join(this.#folder, `${name}.json`);
  }
}

export const isProcessAlive = ({ process }: Pick<ServiceRecord, 'process'>): boolean =>
  process !== null && isAlive(process);
