import { RolldownMagicString } from 'rolldown';
import { isFunction, isNode, type ParsedModule, type SyntaxNode, walk } from './syntax.js';

/** The functions that declare an experiment. */
const DECLARING = new Set(['experiment', 'grid', 'random', 'manual', 'seeds']);

/**
 * Removes the experiments that a CommonJS module declares at its top level. In an ES module, code that the operation
 * does not use is dropped, but a CommonJS module counts as a whole: without this, one more value in a grid would change
 * the identity of every run. The result is only hashed, never run.
 *
 * @returns undefined if there is nothing to remove
 */
export function withoutDeclarations(
  code: string,
  { program }: ParsedModule,
): RolldownMagicString | undefined {
  const names = importedNames(program.body as unknown as SyntaxNode[]);
  if (names.size === 0) return undefined;
  const text = new RolldownMagicString(code);
  walk(program as unknown as SyntaxNode, (node) => {
    if (isFunction(node)) return false;
    if (node.type !== 'CallExpression' || !DECLARING.has(names.get(formatOf(node.callee)) ?? '')) return true;
    text.overwrite(node.start, node.end, 'undefined');
    return false;
  });
  return text.hasChanged() ? text : undefined;
}

/** `name`, or `object.name`. */
function formatOf(node: unknown): string {
  if (!isNode(node)) return '';
  if (node.type === 'MemberExpression' && !node.computed)
    return `${formatOf(node.object)}.${formatOf(node.property)}`;
  return node.type === 'Identifier' ? String(node.name) : '';
}

/** The names of metalab's functions in a module that requires metalab. */
function importedNames(statements: readonly SyntaxNode[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const statement of statements) {
    if (statement.type !== 'VariableDeclaration') continue;
    for (const { id, init } of statement.declarations as { id: SyntaxNode; init: unknown }[]) {
      if (!isMetalab(init)) continue;
      if (id.type === 'Identifier') for (const name of DECLARING) names.set(`${id.name}.${name}`, name);
      if (id.type !== 'ObjectPattern') continue;
      for (const { key, value } of id.properties as { key?: SyntaxNode; value?: SyntaxNode }[])
        if (key && value) names.set(formatOf(value), formatOf(key));
    }
  }
  return names;
}

function isMetalab(node: unknown): boolean {
  if (!isNode(node) || node.type !== 'CallExpression' || formatOf(node.callee) !== 'require') return false;
  return (node.arguments as { readonly value?: unknown }[])[0]?.value === 'metalab';
}
