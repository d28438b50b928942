import { isFunction, isNode, namesOf, type ParsedModule, type SyntaxNode, walk } from './syntax.js';

/** The objects through which metalab gives paths to an operation. */
const GIVEN = new Set(['context', 'runtime', 'scratchDir']);

/** The expression from which a name gets its value; `undefined` if unknown. */
type Origin = SyntaxNode | undefined;

/** The arguments of every call, by the called function's name. */
type Calls = ReadonlyMap<string, readonly (readonly SyntaxNode[])[]>;

/** All calls of the modules, for {@link givenPaths}: a path may be passed to a function of another module. */
export function callsIn(modules: readonly ParsedModule[]): Calls {
  const calls = new Map<string, (readonly SyntaxNode[])[]>();
  for (const { program } of modules) {
    walk(program as unknown as SyntaxNode, (node) => {
      const { name } = (node.type === 'CallExpression' ? node.callee : {}) as { readonly name?: string };
      if (name !== undefined) calls.set(name, [...(calls.get(name) ?? []), node.arguments as SyntaxNode[]]);
      return true;
    });
  }
  return calls;
}

/**
 * Makes a function that tells whether an expression is a path that metalab provided (`context.table.path`,
 * `runtime.scratchDir`), or is derived from one: through variables, destructuring, loops, callbacks and parameters.
 * Variables are distinguished only by name: if several variables of a module have the same name, all must come from
 * such a path.
 */
export function givenPaths({ program }: ParsedModule, calls: Calls): (node: SyntaxNode) => boolean {
  const origins = originsIn(program as unknown as SyntaxNode, calls);
  const known = new Map<string, boolean>();
  const isGivenName = (name: string): boolean => {
    if (GIVEN.has(name)) return true;
    const before = known.get(name);
    if (before !== undefined) return before;
    const from = origins.get(name) ?? [];
    // A circular definition does not count against it.
    known.set(name, from.length > 0);
    const given = from.length > 0 && from.every((origin) => origin !== undefined && isGiven(origin));
    known.set(name, given);
    return given;
  };
  const isGiven = (node: SyntaxNode): boolean => {
    let given = false;
    walk(node, (each) => {
      if (each.type === 'Identifier' && isGivenName(each.name as string)) given = true;
      return !given;
    });
    return given;
  };
  return isGiven;
}

function originsIn(root: SyntaxNode, calls: Calls): ReadonlyMap<string, readonly Origin[]> {
  const origins = new Map<string, Origin[]>();
  const add = (pattern: SyntaxNode, origin: Origin) => {
    const properties = pattern.type === 'ObjectPattern' ? (pattern.properties as SyntaxNode[]) : [];
    for (const { key, value } of properties as { key?: SyntaxNode; value?: SyntaxNode }[]) {
      // `({ context: { table } }) => …`
      if (key && value && value.type !== 'Identifier' && GIVEN.has(key.name as string)) {
        add(value, key);
        return add({ ...pattern, properties: properties.filter((each) => each.key !== key) }, origin);
      }
    }
    for (const name of namesOf(pattern)) origins.set(name, [...(origins.get(name) ?? []), origin]);
  };
  const addParameters = (node: SyntaxNode, name: string | undefined) => {
    const called = (name === undefined ? undefined : calls.get(name)) ?? [];
    (node.params as SyntaxNode[]).forEach((parameter, index) => {
      if (called.length === 0) add(parameter, undefined);
      for (const given of called) add(parameter, given[index]);
    });
  };
  const callbacks = new Set<SyntaxNode>();
  walk(root, (node) => {
    if (node.type === 'VariableDeclarator') {
      const init = node.init as SyntaxNode | null;
      if (init && isFunction(init)) addParameters(init, (node.id as SyntaxNode).name as string | undefined);
      else if (init) add(node.id as SyntaxNode, init);
      if (init) callbacks.add(init);
    } else if (node.type === 'FunctionDeclaration') {
      addParameters(node, (node.id as SyntaxNode | null)?.name as string | undefined);
    } else if (node.type === 'ForOfStatement' && (node.left as SyntaxNode).type === 'VariableDeclaration') {
      for (const { id } of (node.left as SyntaxNode).declarations as { id: SyntaxNode }[])
        add(id, node.right as SyntaxNode);
    } else if (node.type === 'AssignmentExpression' && (node.left as SyntaxNode).type === 'Identifier') {
      add(node.left as SyntaxNode, node.right as SyntaxNode);
    } else if (node.type === 'CallExpression') {
      const callee = node.callee as SyntaxNode;
      for (const argument of node.arguments as SyntaxNode[]) {
        if (!isNode(argument) || !isFunction(argument)) continue;
        callbacks.add(argument);
        // `context.images.files.map((name) => …)`: the callback of a method gets items of the method's object.
        const from = callee.type === 'MemberExpression' ? (callee.object as SyntaxNode) : undefined;
        for (const parameter of argument.params as SyntaxNode[]) add(parameter, from);
      }
    } else if (isFunction(node) && !callbacks.has(node)) addParameters(node, undefined);
    return true;
  });
  return origins;
}
