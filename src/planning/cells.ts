import type { ExperimentDeclaration } from '../definition/declaration.js';
import type { ParamSource } from '../definition/params/source.js';
import { makeRunIdentifier, paramsFingerprint, seedFingerprint } from '../identity/fingerprint.js';

/** What cells follow from. */
export type CellDeclaration = Pick<
  ExperimentDeclaration,
  'experiment_id' | 'params' | 'seeds' | 'context_fingerprint'
> & { readonly operation: Pick<ExperimentDeclaration['operation'], 'code_fingerprint'> };

/** What tells runs apart within one declaration. */
export interface Cell {
  readonly index: number;
  readonly runId: string;
  readonly paramsFingerprint: string;
  readonly seedFingerprint: string;
}

/** Visits cells from ≤ index < to, in order: consecutive replicates share their case's fingerprint. */
export function visitCells(
  declaration: CellDeclaration,
  source: ParamSource,
  { from, to }: { readonly from: number; readonly to: number },
  visit: (cell: Cell) => void,
): void {
  const { base, replicates } = declaration.seeds;
  const identify = makeRunIdentifier({
    experiment_id: declaration.experiment_id,
    context: declaration.context_fingerprint,
    code: declaration.operation.code_fingerprint,
  });
  const seeds: string[] = [];
  let lastCase = -1;
  let params = '';
  for (let index = from; index < to; index++) {
    const replicate = index % replicates;
    const ofCase = (index - replicate) / replicates;
    if (ofCase !== lastCase) params = paramsFingerprint(source.at(ofCase));
    lastCase = ofCase;
    seeds[replicate] ??= seedFingerprint({ base, replicate });
    visit({
      index,
      runId: identify(params, seeds[replicate]!),
      paramsFingerprint: params,
      seedFingerprint: seeds[replicate]!,
    });
  }
}

/** One cell. */
export function cellOf(declaration: CellDeclaration, source: ParamSource, index: number): Cell {
  let found: Cell | undefined;
  visitCells(declaration, source, { from: index, to: index + 1 }, (cell) => {
    found = cell;
  });
  return found!;
}
