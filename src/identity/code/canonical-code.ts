import { isClass, isFunction, isNode, namesOf, type ParsedModule, type SyntaxNode, walk } from './syntax.js';

/** Replacements of names that the bundler may have chosen. */
export type Names = ReadonlyMap<string, string>;

/**
 * A program as text without comments, formatting or positions. Top-level names, which the bundler makes unique and
 * sometimes takes from file names, are replaced by those in `names`. A name is replaced in every scope. That is
 * correct, because different names become different tokens: equal texts are equal programs.
 */
export function canonicalCode(nodes: readonly SyntaxNode[], names: Names): string {
  const parts: string[] = [];
  for (const node of nodes) write(node, false, names, parts);
  return parts.join('');
}

/**
 * Numbers a chunk's top-level names in the order of their declaration. The name of a function or class is visible at
 * run time (`f.name`), so it is kept beside the number.
 */
export function numberNames(chunk: ParsedModule): Names {
  const declared = topLevelNames(chunk);
  const visible = visibleNames(chunk);
  return new Map(
    [...declared].map((name, index) => [name, visible.has(name) ? `${index}:${baseName(name)}` : `${index}`]),
  );
}

/** For comparing a module with its earlier version, where numbers would depend on the modules before it. */
export function plainNames(chunk: ParsedModule): Names {
  return new Map([...topLevelNames(chunk)].map((name) => [name, baseName(name)]));
}

/** Removes the suffix by which the bundler makes a name unique, and the file's name from a default export's name. */
function baseName(name: string): string {
  const plain = name.replace(/\$\d+$/, '');
  return plain.endsWith('_default') ? 'default' : plain;
}

function topLevelNames({ program }: ParsedModule): Set<string> {
  const names = new Set<string>();
  for (const statement of program.body as unknown as SyntaxNode[]) {
    const node = isNode(statement.declaration) ? statement.declaration : statement;
    const bound =
      node.type === 'VariableDeclaration'
        ? (node.declarations as SyntaxNode[]).map((declarator) => declarator.id)
        : node.type === 'ImportDeclaration'
          ? (node.specifiers as SyntaxNode[]).map((specifier) => specifier.local)
          : isFunction(node) || isClass(node)
            ? [node.id]
            : [];
    for (const pattern of bound) if (isNode(pattern)) for (const name of namesOf(pattern)) names.add(name);
  }
  return names;
}

/** Names that functions and classes get from their declaration or assignment. */
function visibleNames({ program }: ParsedModule): Set<string> {
  const names = new Set<string>();
  const add = (target: unknown, value: unknown) => {
    if (
      isNode(target) &&
      target.type === 'Identifier' &&
      isNode(value) &&
      (isFunction(value) || isClass(value))
    ) {
      names.add(target.name as string);
    }
  };
  walk(program as unknown as SyntaxNode, (node) => {
    if (node.type === 'VariableDeclarator') add(node.id, node.init);
    else if (node.type === 'AssignmentExpression' || node.type === 'AssignmentPattern')
      add(node.left, node.right);
    else if (isFunction(node) || isClass(node)) add(node.id, node);
    return true;
  });
  return names;
}

/** Keys without meaning, or that repeat another key (`raw` of literals, except in templates: see below). */
const LEFT_OUT = new Set(['type', 'start', 'end', 'raw', 'range', 'loc', 'parent']);

function write(value: unknown, isLabel: boolean, names: Names, parts: string[]): void {
  if (Array.isArray(value)) {
    parts.push('[');
    for (const item of value) if (!isEmptyStatement(item)) write(item, false, names, parts);
    parts.push(']');
  } else if (isNode(value)) writeNode(value, isLabel, names, parts);
  else if (typeof value === 'bigint') parts.push(`${value}n,`);
  else if (typeof value === 'number') parts.push(`${value},`);
  // A regular expression is taken from the key `regex`, which is the same in every version of Node.
  else if (value !== undefined && !(value instanceof RegExp)) parts.push(`${JSON.stringify(value)},`);
}

const isEmptyStatement = (value: unknown) => isNode(value) && value.type === 'EmptyStatement';

function writeNode(node: SyntaxNode, isLabel: boolean, names: Names, parts: string[]): void {
  if (node.type === 'ParenthesizedExpression') {
    write(node.expression, false, names, parts);
    return;
  }
  if (node.type === 'Identifier') {
    const token = isLabel ? undefined : names.get(node.name as string);
    parts.push(token === undefined ? `'${node.name}'` : `<${token}>`);
    return;
  }
  parts.push(`(${node.type} `);
  for (const key in node) {
    if (LEFT_OUT.has(key)) continue;
    write(node[key], isLabelAt(node, key), names, parts);
  }
  parts.push(')');
}

/** Whether the identifier under this key is only a label, such as a property's name, and refers to no binding. */
function isLabelAt(node: SyntaxNode, key: string): boolean {
  switch (key) {
    case 'property':
      return node.type === 'MetaProperty' || (node.type === 'MemberExpression' && !node.computed);
    case 'key':
      return !node.computed;
    case 'meta':
    case 'label':
    case 'imported':
    case 'exported':
      return true;
    default:
      return false;
  }
}
