import { readFileSync, statSync } from 'node:fs';
import type { JsonObject } from '../../definition/json.js';
import type { ArtifactDescriptor } from '../../definition/record.js';
import type { Cell } from '../../identity/cells.js';
import { sha256 } from '../../identity/fingerprint.js';
import type { BrokenFiles } from './broken-files.js';
import type { PythonStore } from './find-python-stores.js';
import { ATTEMPT, type ImportWriter } from './import-writer.js';
import { findArtifacts, type PythonArtifact } from './python-artifacts.js';
import { type PythonLogs, readLogFile } from './python-logs.js';
import { type PythonRun, readPythonRecord } from './python-record.js';
import { readDerivedMetrics, readResults } from './python-results.js';
import type { SourceRun } from './read-source.js';

/** How much was imported. */
export interface ImportCounts {
  records: number;
  artifacts: number;
  logs: number;
  series: number;
  data: number;
  derived: number;
}

export const nothingImported = (): ImportCounts => ({
  records: 0,
  artifacts: 0,
  logs: 0,
  series: 0,
  data: 0,
  derived: 0,
});

/** An artifact that a record or manifest names, and that could not be imported. */
export interface MissingArtifact {
  readonly experiment_id: string;
  readonly python_run_id: string;
  readonly name: string;
  readonly why: string;
}

/** What the runs of one experiment share while they are imported. */
export interface RunImport {
  readonly experimentId: string;
  /** The folder that is imported. */
  readonly source: string;
  readonly writer: ImportWriter;
  readonly logsOf: (store: PythonStore) => PythonLogs;
  readonly counts: ImportCounts;
  readonly broken: BrokenFiles;
  readonly missing: MissingArtifact[];
}

/** Imports one run with all that it saved. A record that can't be read any more is broken. */
export async function importRun(found: SourceRun, cell: Cell, into: RunImport): Promise<void> {
  const { path, store } = found;
  const { writer, counts, broken } = into;
  let run: PythonRun;
  try {
    run = readPythonRecord(path, store);
  } catch (error) {
    broken.add(path, error);
    return;
  }
  const warn = (warning: string) => void run.warnings.add(warning);
  const about: { [name: string]: JsonObject } = {};
  for (const result of readResults(store, run.runId, warn, broken)) {
    writer.result(cell, result);
    if ('points' in result) counts.series++;
    else counts.data++;
    if ('about' in result && Object.keys(result.about).length > 0) about[result.name] = result.about;
  }
  importLogs(found, run, cell, into);
  const derived = readDerivedMetrics(store, run.runId, broken);
  if (derived) {
    writer.derived(cell, derived);
    counts.derived++;
  }
  const artifacts = await importArtifacts(found, run, cell, into);
  writer.record(cell, {
    status: run.status,
    attempt: ATTEMPT,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    durationMs: run.durationMs,
    error: run.error,
    capture: {
      collectedMetrics: run.metrics,
      collectedTags: new Set(run.tags),
      collectedWarnings: [...run.warnings],
      collectedNotes: run.notes,
      collectedArtifacts: artifacts,
    },
    provenance: { ...run.provenance, ...(Object.keys(about).length > 0 && { python_data: about }) },
  });
  counts.records++;
}

function importLogs({ store }: SourceRun, run: PythonRun, cell: Cell, into: RunImport): void {
  for (const file of into.logsOf(store).of(run.runId)) {
    try {
      for (const line of readLogFile(file, run.startedAt)) into.writer.log(cell, line);
      into.counts.logs++;
    } catch (error) {
      into.broken.add(file.path, error);
    }
  }
}

async function importArtifacts(
  { store }: SourceRun,
  run: PythonRun,
  cell: Cell,
  { experimentId, source, writer, counts, broken, missing }: RunImport,
): Promise<Map<string, ArtifactDescriptor>> {
  const artifacts = new Map<string, ArtifactDescriptor>();
  const miss = (name: string, why: string) => {
    run.warnings.add(`artifact '${name}' was not imported: ${why}`);
    missing.push({ experiment_id: experimentId, python_run_id: run.runId, name, why });
  };
  const { found, absent } = await findArtifacts(run, store, source, broken);
  for (const { name, why } of absent) miss(name, why);
  for (const artifact of found) {
    try {
      artifacts.set(artifact.name, await importArtifact(artifact, run, cell, writer));
      counts.artifacts++;
    } catch (error) {
      broken.add(artifact.path, error);
      miss(artifact.name, (error as Error).message);
    }
  }
  return artifacts;
}

async function importArtifact(
  { name, path, kind, format, metadata, contentHash }: PythonArtifact,
  run: PythonRun,
  { runId }: Cell,
  writer: ImportWriter,
): Promise<ArtifactDescriptor> {
  const stored = await writer.artifact(path, statSync(path).size);
  if (!stored.content_hash.startsWith(contentHash))
    run.warnings.add(
      `artifact '${name}' is not what was saved: its SHA-256 should begin with ${contentHash}`,
    );
  const { uri, content_hash, size_bytes } = stored;
  const artifact_id = sha256(`${runId}:${name}`).slice(0, 32);
  const isText = format === 'json' && size_bytes <= MAX_CHECKED_BYTES && !isJson(path);
  return {
    artifact_id,
    name,
    kind,
    format: isText ? 'text' : format,
    uri,
    content_hash,
    size_bytes,
    metadata,
  };
}

const MAX_CHECKED_BYTES = 1024 * 1024;

/** Python writes NaN and infinities, which no JSON parser reads. */
function isJson(path: string): boolean {
  try {
    JSON.parse(readFileSync(path, 'utf8'));
    return true;
  } catch {
    return false;
  }
}
