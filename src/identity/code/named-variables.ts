import { isNode, type ParsedModule, type SyntaxNode, walk } from './syntax.js';

/**
 * The environment variables that a module reads by name: `process.env.X`, `process.env['X']`, `const { X } =
 * process.env`, also where `process` or `env` is imported or the environment has a name of its own. Variables that the
 * module sets itself don't count.
 */
export function namedVariables({ program }: ParsedModule): string[] {
  const root = program as unknown as SyntaxNode;
  const aliases = environmentNames(root);
  const isEnvironment = (node: unknown): boolean =>
    isNode(node) &&
    (node.type === 'MemberExpression'
      ? isProcess(node.object) && propertyOf(node) === 'env'
      : node.type === 'Identifier' && aliases.has(node.name as string));
  const read = new Set<string>();
  const written = new Set<string>();
  walk(root, (node) => {
    if (node.type === 'AssignmentExpression' || node.type === 'UpdateExpression') {
      const target = (node.left ?? node.argument) as SyntaxNode;
      if (target.type === 'MemberExpression' && isEnvironment(target.object))
        add(written, propertyOf(target));
    } else if (node.type === 'MemberExpression' && isEnvironment(node.object)) add(read, propertyOf(node));
    else if (node.type === 'VariableDeclarator' && isEnvironment(node.init)) {
      for (const name of destructured(node.id as SyntaxNode)) read.add(name);
    }
    return true;
  });
  return [...read].filter((name) => !written.has(name)).sort();
}

const add = (names: Set<string>, name: string | undefined) => {
  if (name !== undefined) names.add(name);
};

/** `process`, `process_default` the bundler's name for an import of it, `globalThis.process`. */
const isProcess = (node: unknown): boolean =>
  isNode(node) &&
  (node.type === 'MemberExpression'
    ? propertyOf(node) === 'process'
    : node.type === 'Identifier' && /^(?:node_)?process(?:_default|\$\d+)?$/.test(node.name as string));

function propertyOf({ property, computed }: SyntaxNode): string | undefined {
  if (!isNode(property)) return undefined;
  if (!computed) return property.name as string;
  return property.type === 'Literal' && typeof property.value === 'string' ? property.value : undefined;
}

/** A module's own names for the environment. */
function environmentNames(root: SyntaxNode): ReadonlySet<string> {
  const names = new Set<string>();
  walk(root, (node) => {
    if (
      node.type === 'ImportDeclaration' &&
      /^(?:node:)?process$/.test(String((node.source as SyntaxNode).value))
    ) {
      for (const { imported, local } of node.specifiers as { imported?: SyntaxNode; local: SyntaxNode }[])
        if (imported?.name === 'env') names.add(local.name as string);
    }
    if (node.type !== 'VariableDeclarator' || !isNode(node.init)) return true;
    const id = node.id as SyntaxNode;
    const init = node.init;
    if (
      id.type === 'Identifier' &&
      init.type === 'MemberExpression' &&
      isProcess(init.object) &&
      propertyOf(init) === 'env'
    )
      names.add(id.name as string);
    if (id.type === 'ObjectPattern' && isProcess(init)) {
      for (const { key, value } of id.properties as { key?: SyntaxNode; value?: SyntaxNode }[])
        if (key?.name === 'env' && value?.type === 'Identifier') names.add(value.name as string);
    }
    return true;
  });
  return names;
}

function destructured(pattern: SyntaxNode): string[] {
  if (pattern.type !== 'ObjectPattern') return [];
  return (pattern.properties as { key?: SyntaxNode }[]).flatMap(({ key }) =>
    key ? [String(key.name ?? key.value)] : [],
  );
}
