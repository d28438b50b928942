import { scanFinalHeads } from '../formats/records.js';
import type { Segment } from '../formats/segments.js';
import type { Finding } from './finding.js';

const MAX_NAMED = 5;

/** An artifact that a record names and that is not in the store. */
export interface MissingArtifact {
  readonly segment: Segment;
  /** Of the record. */
  readonly offset: number;
  readonly runId: string;
  readonly name: string;
  readonly uri: string;
}

/** Artifacts that final records miss, by segment. Those of other records may have been deleted by `store gc`. */
export async function* tellMissing(
  folder: string,
  missing: readonly MissingArtifact[],
): AsyncGenerator<Finding> {
  if (missing.length === 0) return;
  const runs = new Set(missing.map(({ runId }) => runId));
  const finals = await scanFinalHeads(folder, ({ run_id }) => runs.has(run_id));
  const bySegment = new Map<string, MissingArtifact[]>();
  for (const one of missing) {
    const final = finals.get(one.runId);
    if (final?.segment !== one.segment.name || final.offset !== one.offset) continue;
    const others = bySegment.get(one.segment.path);
    if (others) others.push(one);
    else bySegment.set(one.segment.path, [one]);
  }
  for (const [path, each] of bySegment) yield withoutArtifacts(path, each);
}

function withoutArtifacts(path: string, missing: readonly MissingArtifact[]): Finding {
  const shown = missing
    .slice(0, MAX_NAMED)
    .map(({ runId, name, uri }) => `'${name}' of run ${runId.slice(0, 12)} (${uri})`);
  return {
    severity: 'error',
    kind: 'artifact-missing',
    path,
    what: `names ${missing.length} artifacts that are not in the store: ${shown.join(', ')}${missing.length > MAX_NAMED ? ', …' : ''}`,
    costs: 'these artifacts; params and metrics of the runs are there',
    remedy: 'copy artifacts/ and packs/ from where it is whole, or do the runs again (submit --fresh)',
  };
}
