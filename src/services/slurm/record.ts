import { join } from 'node:path';
import { readJson, writeJson } from '../../engine/state.js';
import type { ServiceHandle, ServiceSpec } from '../service.js';

/** What this machine keeps of services on a cluster, in a private file. */
export interface SlurmRecord {
  /** The spool's absolute path there. */
  readonly root: string;
  /** The last job. */
  readonly number: number;
  /** As it was made for; null: not known. */
  readonly specs: readonly ServiceSpec[] | null;
  /** As they were last seen. */
  readonly handles: readonly ServiceHandle[];
}

const recordFile = (folder: string) => join(folder, 'slurm.json');

/** @returns undefined if there is none, or it is damaged */
export function readRecord(folder: string): SlurmRecord | undefined {
  const record = readJson(recordFile(folder)) as SlurmRecord | undefined;
  return typeof record?.root === 'string' ? record : undefined;
}

/** Writes it, if it differs. */
export function writeRecord(folder: string, record: SlurmRecord): void {
  if (JSON.stringify(readRecord(folder)) !== JSON.stringify(record)) writeJson(recordFile(folder), record);
}
