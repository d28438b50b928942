import { realpathSync } from 'node:fs';
import { type Plugin, RolldownMagicString } from 'rolldown';
import { isVirtual } from './build.js';
import { languageOf } from './imports.js';
import { isInstalled } from './packages.js';
import { isConstant, type ParsedModule, parseModule, type SyntaxNode, walk } from './syntax.js';

const IMPORTER = '\0metalab/declared-imports';
const REQUIRER = '\0metalab/declared-requires';

/** Whether `import()` or `require` can load a file, by its name. */
export const isLoadable = (file: string) =>
  /\.(?:[cm]?[jt]sx?|json)$/.test(file) && !/\.d\.[cm]?ts$/.test(file);

/** The calls of a module that load another by a name computed at run time. */
export function computedLoads({ program, isModule }: ParsedModule): {
  readonly imports: readonly SyntaxNode[];
  readonly requires: readonly SyntaxNode[];
} {
  const imports: SyntaxNode[] = [];
  const requires: SyntaxNode[] = [];
  walk(program as unknown as SyntaxNode, (node) => {
    if (node.type === 'ImportExpression' && !isConstant(node.source)) imports.push(node);
    // In an ES module, the user has made `require` by createRequire: it resolves from the source file.
    if (!isModule && isComputedRequire(node)) requires.push(node);
    return true;
  });
  return { imports, requires };
}

function isComputedRequire(node: SyntaxNode): boolean {
  if (node.type !== 'CallExpression') return false;
  const { name } = node.callee as SyntaxNode;
  const [argument] = node.arguments as SyntaxNode[];
  return name === 'require' && argument !== undefined && !isConstant(argument);
}

/**
 * Lets computed imports of a bundle find the files that the experiment's `code` names. The files are inlined with their
 * own imports, and found by the paths that they had at the submit, so that they also work on a cluster's nodes. Each is
 * evaluated when it is first imported. Node resolves names of packages.
 *
 * @param files absolute paths
 */
export function computedImports(files: readonly string[]): Plugin {
  const loadable = files.filter(isLoadable);
  return {
    name: 'metalab:computed-imports',
    resolveId: (specifier) =>
      specifier === IMPORTER || specifier === REQUIRER ? { id: specifier, moduleSideEffects: false } : null,
    load(id) {
      if (id === IMPORTER) return loaderText(loadable, 'import');
      if (id === REQUIRER) return loaderText(loadable, 'require');
      return null;
    },
    transform(code, id) {
      const language = languageOf(id);
      if (!language || isVirtual(id) || isInstalled(id) || !/\b(?:import|require)\s*\(/.test(code))
        return null;
      const parsed = parseModule(code, language);
      return parsed ? rewrite(code, parsed, id) : null;
    },
  };
}

/** `import(NAME, MORE)` becomes `metalab_import(NAME, FILE, (name) => import(name, MORE))`; `require` likewise. */
function rewrite(code: string, parsed: ParsedModule, file: string) {
  const { imports, requires } = computedLoads(parsed);
  if (imports.length + requires.length === 0) return null;
  const text = new RolldownMagicString(code);
  const redirect = (call: SyntaxNode, name: SyntaxNode, loader: string, native: string) => {
    text.overwrite(call.start, name.start, `${loader}(`);
    text.appendLeft(name.end, `, ${JSON.stringify(file)}, (metalab_name) => ${native}(metalab_name`);
    text.appendLeft(call.end, ')');
  };
  const required = (id: string) => `require(${JSON.stringify(id)}).load`;
  const importer = parsed.isModule ? 'metalab_import' : required(IMPORTER);
  for (const call of imports) redirect(call, call.source as SyntaxNode, importer, 'import');
  for (const call of requires)
    redirect(call, (call.arguments as SyntaxNode[])[0]!, required(REQUIRER), 'require');
  if (parsed.isModule) text.append(`\n;import { load as metalab_import } from ${JSON.stringify(IMPORTER)};`);
  return { code: text };
}

/** The source of the module that resolves computed names. */
function loaderText(files: readonly string[], how: 'import' | 'require'): string {
  // Such a file may have a top-level await, for which `require` can't wait.
  const usable = how === 'import' ? files : files.filter((file) => !/\.m[jt]s$/.test(file));
  const entries = usable.flatMap((file) => {
    const load = `() => ${how}(${JSON.stringify(file)})`;
    return [...new Set([file, realpathSync(file)])].map((path) => `[${JSON.stringify(path)}, ${load}]`);
  });
  const resolved =
    how === 'import' ? 'fileURLToPath(new URL(text, pathToFileURL(from)))' : 'resolve(dirname(from), text)';
  return `import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
const files = new Map([${entries.join(',\n')}]);
const swapped = { '.js': ['.ts', '.tsx'], '.mjs': ['.mts'], '.cjs': ['.cts'], '.jsx': ['.tsx'] };
const endings = ['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '.json'];
const candidates = (path) => [
  path,
  ...Object.entries(swapped).flatMap(([from, to]) =>
    path.endsWith(from) ? to.map((ending) => path.slice(0, -from.length) + ending) : []),
  ...endings.map((ending) => path + ending),
  ...endings.map((ending) => path + '/index' + ending),
];
function find(name, from) {
  const text = String(name);
  const isRelative = /^\\.{1,2}(?:\\/|$)/.test(text);
  if (!isRelative && !/^(?:file:|\\/|[A-Za-z]:[\\\\/])/.test(text)) return undefined;
  const path = isRelative ? ${resolved} : text.startsWith('file:') ? fileURLToPath(text) : text;
  const found = candidates(path).find((candidate) => files.has(candidate));
  if (found !== undefined) return files.get(found);
  if (!isRelative) return undefined;
  throw new Error("${how}('" + text + "') in " + from + ': ' + path
    + " is none of the files that the experiment names in code: ['…'], so the bundle that runs does not have it");
}
export ${how === 'import' ? 'async ' : ''}function load(name, from, native) {
  const found = find(name, from);
  return found ? found() : native(name);
}
`;
}
