import type { Plugin } from 'rolldown';
import { sha256 } from '../fingerprint.js';
import { buildChunk, isVirtual } from './build.js';
import { BuildProblems } from './build-problems.js';
import { canonicalCode, numberNames, plainNames } from './canonical-code.js';
import { ReachedImports, type ReachedPackages } from './reached-imports.js';
import { parseModule, type SyntaxNode } from './syntax.js';

const ENTRY = '\0metalab/declared-code';

/** The imports of the modules that `code` names. */
export interface DeclaredCode {
  /** The SHA-256 of all of their code. */
  readonly code: string;
  /** A hash of each imported module that `code` does not name, by absolute path. */
  readonly modules: ReadonlyMap<string, string>;
  readonly packages: ReachedPackages;
}

/**
 * Computes the identity of the code that computed imports may reach. The named files count by their content elsewhere;
 * here their imports count.
 *
 * @param files absolute, real paths of modules
 * @param transform the plugins that every closure is built with
 * @returns undefined if the files import only named files
 * @throws DefinitionError if one does not compile, or an import of it can't be found
 */
export async function declaredCode(
  files: readonly string[],
  cwd: string,
  transform: Plugin,
): Promise<DeclaredCode | undefined> {
  const reached = new ReachedImports();
  const problems = new BuildProblems();
  const text = files
    .map((file, index) => `export * as file${index} from ${JSON.stringify(file)};`)
    .join('\n');
  const entry: Plugin = {
    name: 'metalab:declared-code',
    resolveId: (id) => (id === ENTRY ? id : null),
    load: (id) => (id === ENTRY ? text : null),
  };
  const chunk = await buildChunk(
    { input: ENTRY, cwd, plugins: [entry, reached.plugin(problems), transform] },
    { comments: false },
    problems,
  );
  const parsed = parseModule(chunk.code);
  if (!parsed) throw new Error('the bundler wrote code that does not parse');
  const modules = new Map<string, string>();
  for (const [file, { code }] of Object.entries(chunk.modules)) {
    const module = code && !isVirtual(file) && !files.includes(file) ? parseModule(code) : undefined;
    if (!module || module.program.body.length === 0) continue;
    modules.set(file, sha256(canonicalCode([module.program as unknown as SyntaxNode], plainNames(module))));
  }
  const packages = reached.packagesIn(parsed, modules);
  if (modules.size === 0 && packages.edges.length === 0 && Object.keys(packages.versions).length === 0)
    return undefined;
  const code = sha256(canonicalCode([parsed.program as unknown as SyntaxNode], numberNames(parsed)));
  return { code, modules, packages };
}
