import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDerivation } from '../../definition/derivation.js';
import { DefinitionError } from '../../definition/errors.js';
import { declaringModules, type Experiment } from '../../definition/experiment.js';
import { commonJsNamespace, type Namespace } from './commonjs-namespace.js';
import { type Exported, type ExportLocation, findExport, notExported } from './locate-export.js';
import { soleDeclared } from './sole-declared.js';

/**
 * Where a live experiment was declared, and how to find the modules that export its operation and derivations: among the
 * modules on the stack when these were declared. They are already loaded, so nothing is evaluated again.
 */
export function locateInProcess(experiment: Experiment): {
  file: string;
  locate: (exported: Exported) => Promise<ExportLocation>;
} {
  const declaring = declaringModules(experiment);
  const file = declaring[0] === undefined ? join(process.cwd(), 'experiment') : pathOf(declaring[0]);
  return {
    file,
    async locate(exported) {
      const places = [...new Set([...exported.declaredIn, ...declaring])];
      const found = await Promise.all(
        places.map(async (place) => [pathOf(place), await loadedModule(place)] as const),
      );
      const modules = new Map(found.flatMap(([path, module]) => (module ? [[path, module]] : [])));
      const declared = exported.declaredIn[0] && pathOf(exported.declaredIn[0]);
      if (declared && !modules.has(declared)) throw stillRunning(declared);
      if (modules.size === 0) throw unknownFile(dirname(file));
      const location = findExport(exported, modules, file);
      if (location) return location;
      // Loaders such as vitest's keep their own modules: Node's import gives another instance of the module, or none.
      const exportName = declared && soleDeclared(declared, isDerivation(exported) ? 'derive' : 'operation');
      if (!exportName) throw notExported(exported, file);
      return { file: declared, exportName };
    },
  };
}

/** The path of a module named in a stack by path or file URL, without a loader's query. */
const pathOf = (place: string) => (place.startsWith('file:') ? fileURLToPath(place) : place);

/** Importing a loaded module takes up to a millisecond or, with a loader's hooks, a few. */
const LOADED_WITHIN_MS = 250;

/** CommonJS modules of this process, including those that a loader compiles. */
const { cache } = createRequire(import.meta.url);

/** Undefined for a script that awaits its own submit at top level: it can't be imported until that ends. */
async function loadedModule(place: string): Promise<Namespace | undefined> {
  const required = cache[pathOf(place)];
  if (required) return commonJsNamespace(required.exports);
  const giveUp = new AbortController();
  const url = place.startsWith('file:') ? place : pathToFileURL(place).href;
  try {
    return await Promise.race([
      import(url).catch(() => ({})) as Promise<Namespace>,
      sleep(LOADED_WITHIN_MS, undefined, { signal: giveUp.signal }),
    ]);
  } finally {
    giveUp.abort();
  }
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
