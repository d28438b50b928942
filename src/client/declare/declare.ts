import { realpathSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { contextView } from '../../definition/context-view.js';
import { type ExperimentDeclaration, FINGERPRINT_SCHEME } from '../../definition/declaration.js';
import { parseDuration } from '../../definition/duration.js';
import { DefinitionError, type Problem } from '../../definition/errors.js';
import type { Experiment } from '../../definition/experiment.js';
import { parseFailureLimit } from '../../definition/failure-limit.js';
import type { JsonObject } from '../../definition/json.js';
import { parseMemorySize } from '../../definition/memory-size.js';
import type { Objective } from '../../definition/objective.js';
import { isAlwaysSeen } from '../../definition/run-environment.js';
import { type CodeClosure, codeClosure } from '../../identity/code/closure.js';
import { executionBundle } from '../../identity/code/execution-bundle.js';
import { listExtraFiles } from '../../identity/code/extra-files.js';
import { resolveContext } from '../../identity/context.js';
import type { ContextHasher } from '../../identity/files.js';
import { sha256 } from '../../identity/fingerprint.js';
import { toPlainJson } from '../../identity/plain-json.js';
import { checkFields } from './check-fields.js';
import { declareDerivations, locateDerivations } from './derivations.js';
import type { Exported, ExportLocation } from './locate-export.js';
import { declareParams } from './params.js';
import { declareResources } from './resources.js';

/** An experiment as data, with the bundle that slots import. */
export interface Declared {
  readonly declaration: ExperimentDeclaration;
  readonly bundle: { readonly code: string; readonly map: string };
  /** Absolute path of the file that declares it. */
  readonly file: string;
  /** Warnings for the user: what code identity does not cover, and trials that repeat others. */
  readonly warnings: readonly string[];
}

/**
 * Checks all of an experiment and converts it to data, so that its file is never evaluated again.
 *
 * @param file absolute path of the file that declares it; its folder is the runs' working directory
 * @param locate finds where the operation, or a derivation, is exported
 * @param cluster hashes the context's files on a cluster
 * @param refused problems found while the file was evaluated
 * @throws DefinitionError with all problems together
 */
export async function declareExperiment(
  experiment: Experiment,
  file: string,
  locate: (exported: Exported) => ExportLocation | Promise<ExportLocation>,
  cluster?: ContextHasher,
  refused: readonly Problem[] = [],
): Promise<Declared> {
  const base = dirname(file);
  const problems = new ProblemList();
  const warnings: string[] = [];
  problems.add(refused);
  const unsound = checkFields(experiment, process.env);
  problems.add(unsound);
  // Checks that build on an invalid field would only report the same problem again.
  const sound = (...fields: string[]) => !unsound.some(({ where }) => fields.includes(where ?? ''));

  const [context, operation] = await Promise.all([
    sound('context') ? resolveContext(experiment.context ?? {}, base, undefined, cluster) : undefined,
    sound('operation', 'code', ...derivedFields(experiment))
      ? problems.collect(() => declareCode(experiment, base, locate))
      : undefined,
  ]);
  if (context) problems.add(context.problems);
  const resolvable = context?.problems.length === 0 || !experiment.resolve;
  const params =
    resolvable && sound('params', 'seeds', 'operation', 'resolve')
      ? await problems.collect(() =>
          declareParams(experiment, contextView(context?.context ?? {}), (sentence) =>
            warnings.push(sentence),
          ),
        )
      : undefined;
  problems.refuse();

  const { name, version, seeds } = experiment;
  const maxFailures = parseFailureLimit(experiment.maxFailures);
  const { declared, derived, bundle } = operation!;
  const declaration: ExperimentDeclaration = {
    scheme: FINGERPRINT_SCHEME,
    experiment_id: `${name}:${version}`,
    name,
    version,
    description: experiment.description ?? null,
    tags: [...(experiment.tags ?? [])],
    metadata: toPlainJson(experiment.metadata ?? {}, 'metadata') as JsonObject,
    operation: declared,
    params: params!,
    seeds: { base: seeds.base, replicates: seeds.replicates },
    context: context!.context,
    context_fingerprint: context!.fingerprint,
    files: context!.files,
    retries: experiment.retries ?? 0,
    timeout_ms: experiment.timeout === undefined ? null : (parseDuration(experiment.timeout) ?? null),
    memory_bytes: experiment.memory === undefined ? null : (parseMemorySize(experiment.memory) ?? null),
    ...(experiment.isolate ? { isolate: true } : {}),
    ...(experiment.objective ? { objective: plainObjective(experiment.objective) } : {}),
    ...(maxFailures === undefined ? {} : { max_failures: maxFailures }),
    ...(derived ? { derived } : {}),
    ...(experiment.resources ? { resources: declareResources(experiment.resources) } : {}),
    env: [...(experiment.env ?? [])],
    cwd: base,
  };
  return { declaration, bundle, file, warnings: [...operation!.warnings, ...warnings] };
}

const plainObjective = ({ metric, direction }: Objective): Objective => ({ metric, direction });

const derivedFields = ({ derived }: Experiment) => [
  'derived',
  ...Object.keys(derived ?? {}).map((name) => `derived.${name}`),
];

async function declareCode(
  experiment: Experiment,
  base: string,
  locate: (exported: Exported) => ExportLocation | Promise<ExportLocation>,
) {
  const { file, exportName } = await locate(experiment.operation);
  const derivations = await locateDerivations(experiment.derived ?? {}, locate);
  const [closure, bundle, derived] = await Promise.all([
    codeClosure({ file, exportName, base, extraFiles: experiment.code ?? [] }),
    executionBundle(
      { operation: { file, exportName }, derived: derivations },
      listExtraFiles(realpathSync(base), experiment.code ?? []),
    ),
    experiment.derived && declareDerivations(derivations, base),
  ]);
  const declared: ExperimentDeclaration['operation'] = {
    kind: 'typescript',
    name: exportName,
    ref: `${relative(base, file)}#${exportName}`,
    code_fingerprint: closure.fingerprint,
    bundle: sha256(bundle.code),
    modules: closure.modules,
    packages: closure.packages,
    native: bundle.native,
  };
  return {
    declared,
    derived,
    bundle: { code: bundle.code, map: bundle.map },
    warnings: [...closure.warnings, ...unseenVariables(closure, experiment)],
  };
}

/** Variables that the operation names, and that its runs will not see. */
function unseenVariables({ variables }: CodeClosure, { env = [] }: Experiment): string[] {
  return Object.entries(variables).flatMap(([path, names]) => {
    const unseen = names.filter((name) => !isAlwaysSeen(name) && !env.includes(name));
    if (unseen.length === 0) return [];
    const list = unseen.map((name) => `'${name}'`).join(', ');
    return [
      `${path} reads environment variables that runs do not see: ${unseen.join(', ')}. Name them in env: [${list}], or pass the values as params or context`,
    ];
  });
}

/** Collects the problems of several checks, so that they are reported together. */
class ProblemList {
  readonly #problems: Problem[] = [];

  add(problems: readonly Problem[]): void {
    this.#problems.push(...problems);
  }

  async collect<T>(check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (failure) {
      if (!(failure instanceof DefinitionError)) throw failure;
      this.add(failure.problems);
      return undefined;
    }
  }

  refuse(): void {
    if (this.#problems.length > 0) throw new DefinitionError(this.#problems);
  }
}
