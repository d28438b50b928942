import { readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { PartialResolvedId, Plugin, ResolvedId } from 'rolldown';
import { buildChunk, isVirtual } from './build.js';
import { BuildProblems } from './build-problems.js';
import { computedImports } from './computed-imports.js';
import { resolveImport } from './imports.js';
import { moduleLocation } from './module-location.js';
import { bundleEntry, ENTRY, type OperationBinding } from './operation-entry.js';
import { isInstalled, PackageIndex } from './packages.js';
import { absoluteSources } from './source-map.js';

export interface ExecutionBundle {
  /** An ES module; its default export is the operation, `derived` the derivations by name. Names its source map `operation.mjs.map`. */
  readonly code: string;
  readonly map: string;
  /** Packages with native code: the bundle requires them from its working directory. */
  readonly native: readonly string[];
}

/** What a bundle exports: an operation, derivations by name, or both. */
export interface BundledCode {
  readonly operation?: OperationBinding;
  readonly derived?: { readonly [name: string]: OperationBinding };
}

const RUNTIME = '\0metalab/runtime';

/**
 * Bundles an operation and derivations with the packages that they use, for slots to import. It behaves like a plain import of the file:
 * all top-level code that may have side effects runs. The code's identity drops more, since it is only hashed; dropping
 * that here could change results. `metalab`'s exports come from `globalThis[Symbol.for('metalab.runtime')]`, which must
 * exist when the bundle is imported.
 *
 * @param declaredFiles absolute paths of the files that the experiment's `code` names: computed imports can import them
 * @throws DefinitionError naming every file that does not compile and every import that can't be found
 */
export async function executionBundle(
  { operation, derived = {} }: BundledCode,
  declaredFiles: readonly string[] = [],
): Promise<ExecutionBundle> {
  const real = ({ file, exportName }: OperationBinding) => ({ file: realpathSync(file), exportName });
  const bindings = Object.entries(derived).map(([name, binding]) => [name, real(binding)] as const);
  const first = operation ? real(operation) : bindings[0]![1];
  const folder = dirname(first.file);
  const problems = new BuildProblems();
  const imports = new InlinedImports(problems);
  const chunk = await buildChunk(
    {
      input: ENTRY,
      cwd: folder,
      plugins: [
        bundleEntry(operation && first, Object.fromEntries(bindings)),
        computedImports(declaredFiles),
        imports.plugin(),
        moduleLocation(),
      ],
    },
    {
      dir: folder,
      entryFileNames: 'operation.mjs',
      comments: false,
      sourcemap: true,
      sourcemapExcludeSources: true,
      sourcemapPathTransform: absoluteSources,
    },
    problems,
  );
  return {
    code: chunk.code,
    map: chunk.map?.toString() ?? '{}',
    native: imports.nativeIn(Object.keys(chunk.modules)),
  };
}

class InlinedImports {
  readonly #packages = new PackageIndex();
  readonly #problems: BuildProblems;
  /** By the id of the module that replaces the package. */
  readonly #native = new Map<string, { readonly name: string; readonly code: string }>();

  constructor(problems: BuildProblems) {
    this.#problems = problems;
  }

  nativeIn(modules: readonly string[]): string[] {
    const names = modules.map((id) => this.#native.get(id)?.name).filter((name) => name !== undefined);
    return [...new Set(names)].sort();
  }

  plugin(): Plugin {
    const inlined = this;
    return {
      name: 'metalab:inlined-imports',
      async resolveId(specifier, importer, { kind }) {
        if (importer === undefined || isVirtual(specifier)) return null;
        const how = { kind, packages: inlined.#packages, problems: inlined.#problems };
        const target = await resolveImport(this, specifier, importer, how);
        switch (target.kind) {
          // As CommonJS, it needs no list of exports. Reading them has no side effect, so the module may be dropped.
          case 'metalab':
            return { id: RUNTIME, moduleSideEffects: false };
          case 'builtin':
            return { id: target.name, external: true };
          case 'missing':
            return { id: specifier, external: true };
          case 'package':
            if (!inlined.#packages.isNative(target.package)) return target.resolved;
            return inlined.#standIn(specifier, importer, target.package.name);
          case 'source':
            return withNodeInterop(target.resolved);
        }
      },
      load(id) {
        if (id === RUNTIME) return `module.exports = globalThis[Symbol.for('metalab.runtime')];`;
        return inlined.#native.get(id)?.code ?? null;
      },
    };
  }

  #standIn(specifier: string, importer: string, name: string): string {
    const via = isInstalled(importer) ? this.#packages.of(importer)?.name : undefined;
    const id = `\0metalab/native/${via ?? ''}/${specifier}`;
    this.#native.set(id, { name, code: nativeModule(specifier, via) });
    return id;
  }
}

/**
 * A module that replaces a package with native code: it requires the package where the bundle runs, from the working
 * directory, which is the experiment file's folder. So the bundle contains no path of this machine.
 *
 * @param via the package that imports it, if any: it may have its own version of it
 */
function nativeModule(specifier: string, via: string | undefined): string {
  const wanted = JSON.stringify(specifier);
  const direct = `fromExperiment(${wanted})`;
  const nested = `createRequire(fromExperiment.resolve(${JSON.stringify(via)}))(${wanted})`;
  return [
    `const { createRequire } = require('node:module');`,
    `const fromExperiment = createRequire(require('node:path').join(process.cwd(), 'package.json'));`,
    via === undefined
      ? `module.exports = ${direct};`
      : `let found; try { found = ${nested}; } catch { found = ${direct}; }\nmodule.exports = found;`,
  ].join('\n');
}

/** Any package.json with `"type": "module"`: metalab's own always exists. */
const MODULE_PACKAGE = createRequire(import.meta.url).resolve('rolldown/package.json');

/**
 * Has the user's ES modules import CommonJS packages as Node does: the default export is `module.exports`. Otherwise
 * bundlers do so only if a package.json has `"type": "module"`, and the operation would see another default export than
 * the experiment file, which Node evaluates.
 */
function withNodeInterop(resolved: ResolvedId): PartialResolvedId {
  return isEsModule(resolved.id) ? { ...resolved, packageJsonPath: MODULE_PACKAGE } : resolved;
}

function isEsModule(file: string): boolean {
  if (/\.(?:[mc]?tsx?|jsx|mjs)$/.test(file)) return !/\.cts$/.test(file);
  return file.endsWith('.js') && /^\s*(?:import|export)\b/m.test(readFileSync(file, 'utf8'));
}
