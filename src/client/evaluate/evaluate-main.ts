// The child process that evaluates an experiment file, once: what the file prints, throws or leaves running stays here.
import { pathToFileURL } from 'node:url';
import { formatFolderFault } from '../../access/private-folder.js';
import { temporaryFolderChoice } from '../../access/temporary-folder.js';
import {
  DefinitionError,
  describeError,
  InfrastructureError,
  MetalabError,
} from '../../definition/errors.js';
import { collectRefused } from '../../definition/refuse.js';
import { evaluationBundle } from '../../identity/code/evaluation-bundle.js';
import { RemoteHasher } from '../cluster/remote-hasher.js';
import { commonJsNamespace, type Namespace } from '../declare/commonjs-namespace.js';
import { declareExperiment } from '../declare/declare.js';
import { declareDerivationsOf } from '../declare/derivations.js';
import { findExperiment } from '../declare/find-experiment.js';
import { type Exported, locateExport } from '../declare/locate-export.js';
import type { EvaluationReply, EvaluationRequest } from './evaluate.js';

// The parent was killed: nobody waits for the answer, and the file may never finish.
process.once('disconnect', () => process.exit(1));
process.once('message', (request: EvaluationRequest) => {
  // Listening for the disconnection does not keep the process alive.
  process.channel?.unref();
  // The event loop is empty and no answer was sent. `process.exit` does not emit this event.
  process.once('beforeExit', () => answer({ failure: formatFailure(neverSettles(request.file)) }));
  evaluate(request).then(
    (reply) => answer(reply),
    (failure: unknown) => answer({ failure: formatFailure(failure) }),
  );
});

async function evaluate({ file, name, folder, derivations }: EvaluationRequest): Promise<EvaluationReply> {
  const modules = new Map<string, Namespace>();
  (globalThis as { [key: symbol]: unknown })[Symbol.for('metalab.modules')] = modules;
  const bundle = await evaluationBundle({
    file,
    folder,
    metalab: new URL('../../index.js', import.meta.url).href,
  });
  process.setSourceMapsEnabled(true);
  const { declared: namespace, problems } = await collectRefused(() => importUserModule(bundle, file));
  for (const [path, module] of modules)
    if ('commonjs' in module) modules.set(path, commonJsNamespace(module.commonjs));
  const exports = modules.get(file) ?? namespace;
  const locate = (exported: Exported) => locateExport(exported, modules, file);
  if (derivations) {
    if (problems.length > 0) throw new DefinitionError(problems);
    return { derivations: await declareDerivationsOf(file, exports, name, locate) };
  }
  const experiment = findExperiment(file, exports, name);
  return { declared: await declareExperiment(experiment, file, locate, new RemoteHasher(), problems) };
}

async function importUserModule(bundle: string, file: string): Promise<Namespace> {
  try {
    return (await import(pathToFileURL(bundle).href)) as Namespace;
  } catch (thrown) {
    if (thrown instanceof MetalabError) throw thrown;
    const { type, message, stack } = describeError(thrown);
    const unknown = /'([^']*dist\/index\.js)' does not provide an export named '(.*)'/.exec(message)?.[2];
    if (unknown !== undefined) throw await noSuchExport(file, unknown);
    const place = stack
      ?.split('\n')
      .find((line) => /^\s+at (.*\()?(file:|\/|[A-Z]:\\)/.test(line))
      ?.trim();
    throw new DefinitionError(
      [
        {
          where: file,
          what: `evaluating it threw ${type}: ${message}${place ? ` (${place})` : ''}`,
          expected: 'a file that can be imported without error',
          next: 'fix it; what needs data at run time belongs inside the operation',
        },
      ],
      'METALAB_EVALUATION',
    );
  }
}

async function noSuchExport(file: string, name: string): Promise<DefinitionError> {
  const known = Object.keys(await import('../../index.js'));
  return new DefinitionError(
    [
      {
        where: file,
        what: `it imports '${name}' from 'metalab', which exports nothing of that name`,
        expected: `one of ${known.join(', ')}`,
        next: 'correct the import',
      },
    ],
    'METALAB_EVALUATION',
  );
}

const neverSettles = (file: string) =>
  new DefinitionError(
    [
      {
        where: file,
        what: 'evaluating it waits for a promise that never settles',
        expected: 'a file whose top-level await, and whose resolve, come to an end',
        next: 'take the await out of its top level',
      },
    ],
    'METALAB_EVALUATION',
  );

function formatFailure(thrown: unknown): EvaluationReply['failure'] {
  // Errors of the user's modules are DefinitionErrors, so this one is the system refusing to write the bundle.
  const failure = formatFolderFault(thrown, temporaryFolderChoice());
  if (failure instanceof DefinitionError)
    return { kind: 'definition', code: failure.code, problems: [...failure.problems] };
  if (failure instanceof MetalabError) {
    const { code, where, expected, next } = failure;
    const what = failure.message.split('\n')[0]!.replace(`${where}: `, '');
    const kind = failure instanceof InfrastructureError ? 'place' : 'usage';
    return { kind, code, problems: [{ what, where, expected, next }] };
  }
  return {
    kind: 'crash',
    code: 'METALAB_INTERNAL',
    problems: [{ what: describeError(failure).stack ?? String(failure) }],
  };
}

function answer(reply: EvaluationReply): void {
  // Anything that the file left running (timers, servers) ends with this process.
  process.send!(reply, () => process.exit(0));
}
