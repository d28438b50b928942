import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
      const places = [...new Set([declared ?? file, file])];
      const found = await Promise.all(
        places.map(async (place) => [place, await loadedModule(place)] as const),
      );
      const modules = new Map(found.flatMap(([place, module]) => (module ? [[place, module]] : [])));
      if (declared && !modules.has(declared)) throw stillRunning(declared);
      if (modules.size === 0) throw unknownFile(dirname(file));
      return locateOperation(experiment.operation, modules, file);
    },
  };
}

type Namespace = { readonly [name: string]: unknown };

/** A module that is loaded answers within a millisecond or, behind a loader's hooks, a few. */
const LOADED_WITHIN_MS = 250;

/** A script that awaits its own submit at top level can't be imported until that is over: undefined. */
async function loadedModule(file: string): Promise<Namespace | undefined> {
  const giveUp = new AbortController();
  try {
    return await Promise.race([
      import(pathToFileURL(file).href).catch(() => ({})) as Promise<Namespace>,
      sleep(LOADED_WITHIN_MS, undefined, { signal: giveUp.signal }),
    ]);
  } finally {
    giveUp.abort();
  }
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

const stillRunning = (file: string) =>
  new DefinitionError(
    [
      {
        where: file,
        what: 'declares the operation, and is a script that waits for its own submit at top level: slots would run it again',
        expected: 'an operation in a module of its own',
        next: 'move the operation into another file, and import it from there',
      },
    ],
    'METALAB_OPERATION_IN_SCRIPT',
  );
