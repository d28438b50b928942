import { dirname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DefinitionError } from '../../definition/errors.js';
import { declaredAt, type Experiment } from '../../definition/experiment.js';
import { isOperation } from '../../definition/operation.js';
import { locateOperation, type OperationLocation } from './locate-operation.js';

/** metalab's own folder (`dist/` or `src/`): its frames are not the user's. */
const OWN = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Where a live experiment was declared, and how to find the module that exports its operation: by the stacks that both
 * kept. The modules are loaded already, so nothing is evaluated again.
 */
export function locateInProcess(experiment: Experiment): {
  file: string;
  locate: () => Promise<OperationLocation>;
} {
  const file = callerOf(declaredAt(experiment)) ?? `${process.cwd()}/experiment`;
  return {
    file,
    async locate() {
      const declared = isOperation(experiment.operation)
        ? callerOf(experiment.operation.declaredAt)
        : undefined;
      const modules = new Map<string, { readonly [name: string]: unknown }>();
      for (const module of new Set([declared, file])) {
        if (module) modules.set(module, await import(pathToFileURL(module).href).catch(() => ({})));
      }
      if (modules.size === 0) throw unknownFile(dirname(file));
      return locateOperation(experiment.operation, modules, file);
    },
  };
}

/** The first file of a stack that is not metalab's. */
function callerOf(stack: string): string | undefined {
  for (const line of stack.split('\n').slice(1)) {
    const place =
      /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]*?|(?:file:\/\/\/)?[A-Za-z]:[^()]*?):\d+:\d+\)?$/.exec(
        line.trim(),
      )?.[1];
    if (!place) continue;
    const file = place.startsWith('file:') ? fileURLToPath(place) : place;
    if (!file.startsWith(OWN)) return file;
  }
  return undefined;
}

const unknownFile = (folder: string) =>
  new DefinitionError([
    {
      where: folder,
      what: "the file that declares the operation can't be found",
      expected: 'an operation declared in a module of its own',
      next: 'declare it in a file, or submit that file with `metalab submit FILE`',
    },
  ]);
