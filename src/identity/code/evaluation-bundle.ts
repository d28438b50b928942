import { realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Plugin, RolldownMagicString } from 'rolldown';
import { buildChunk, isVirtual } from './build.js';
import { BuildProblems } from './build-problems.js';
import { languageOf, resolveImport } from './imports.js';
import { moduleLocation } from './module-location.js';
import { isInstalled, PackageIndex } from './packages.js';
import { absoluteSources } from './source-map.js';
import { parseModule } from './syntax.js';

/**
 * Bundles an experiment file to evaluate it once: the user's own modules in one file, so that TypeScript, JSON and
 * `paths` work. Packages are imported from where they are. Nothing is dropped.
 *
 * If `globalThis[Symbol.for('metalab.modules')]` is a Map, each of the user's modules adds its namespace to it, by its
 * absolute, real path, so that the module that exports an operation can be found. CommonJS modules add `{ commonjs:
 * module.exports }`.
 *
 * @param request.file the experiment file, TypeScript or JavaScript
 * @param request.folder where to write `experiment.mjs` and its source map
 * @param request.metalab the URL that `import … from 'metalab'` leads to
 * @returns the absolute path of the module to import
 * @throws DefinitionError naming every file that does not compile and every import that can't be found
 */
export async function evaluationBundle(request: {
  readonly file: string;
  readonly folder: string;
  readonly metalab: string;
}): Promise<string> {
  const file = realpathSync(request.file);
  const problems = new BuildProblems();
  const chunk = await buildChunk(
    {
      input: file,
      cwd: dirname(file),
      treeshake: false,
      makeAbsoluteExternalsRelative: false,
      plugins: [packagesInPlace(request.metalab, problems), moduleLocation(), registerNamespace()],
    },
    {
      dir: request.folder,
      entryFileNames: 'experiment.mjs',
      sourcemap: true,
      sourcemapPathTransform: absoluteSources,
    },
    problems,
  );
  const bundle = join(request.folder, 'experiment.mjs');
  writeFileSync(bundle, chunk.code);
  writeFileSync(`${bundle}.map`, chunk.map?.toString() ?? '{}');
  return bundle;
}

function packagesInPlace(metalab: string, problems: BuildProblems): Plugin {
  const packages = new PackageIndex();
  return {
    name: 'metalab:packages-in-place',
    async resolveId(specifier, importer, { kind }) {
      if (importer === undefined || isVirtual(importer) || specifier === importer) return null;
      const target = await resolveImport(this, specifier, importer, { kind, packages, problems });
      switch (target.kind) {
        case 'metalab':
          // `require` takes no URLs.
          return { id: kind === 'require-call' ? fileURLToPath(metalab) : metalab, external: true };
        case 'builtin':
          return { id: target.name, external: true };
        case 'missing':
          return { id: specifier, external: true };
        case 'package': {
          // `require` takes no URLs, `import` no Windows paths.
          const { id } = target.resolved;
          return { id: kind === 'require-call' ? id : pathToFileURL(id).href, external: true };
        }
        case 'source':
          return target.resolved;
      }
    },
  };
}

function registerNamespace(): Plugin {
  return {
    name: 'metalab:register-namespace',
    transform(code, id) {
      const language = languageOf(id);
      const parsed = !language || isVirtual(id) || isInstalled(id) ? undefined : parseModule(code, language);
      if (!parsed) return null;
      const path = JSON.stringify(id);
      const text = new RolldownMagicString(code);
      const register = (namespace: string) =>
        `globalThis[Symbol.for('metalab.modules')]?.set(${path}, ${namespace});`;
      if (parsed.isModule)
        text.append(`\n;import * as metalab_self from ${path}; ${register('metalab_self')}`);
      // The exports of a CommonJS module, after it has been evaluated.
      else if (/\bexports\b/.test(code)) text.append(`\n;${register('{ commonjs: module.exports }')}`);
      else return null;
      return { code: text };
    },
  };
}
