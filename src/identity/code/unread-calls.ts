import { changesOthers } from './effects.js';
import { bare, isClass, isFunction, isNode, type ParsedModule, type SyntaxNode, walk } from './syntax.js';

/**
 * Finds top-level declarations such as `const ready = init()` or `const filled = fill(table)` whose result is never
 * read. They may have side effects, but are not part of the identity. Reports only names that are not exported, and
 * only calls of the user's own functions with no arguments or with data of the module. Returns a sentence for each,
 * without the module's name.
 */
export function unreadCalls({ program }: ParsedModule, code: string): string[] {
  const body = program.body as unknown as SyntaxNode[];
  const bindings = bindingsIn(body);
  return body
    .filter((statement) => statement.type === 'VariableDeclaration')
    .flatMap((statement) => statement.declarations as SyntaxNode[])
    .flatMap((declarator) => {
      const { id, init } = declarator as SyntaxNode & { id: SyntaxNode; init: SyntaxNode | null };
      const call = init ? calledBy(init) : undefined;
      if (!call || id.type !== 'Identifier' || !mayFill(call, bindings) || changesOthers(call)) return [];
      if (isRead(id.name as string, program as unknown as SyntaxNode)) return [];
      const [text] = code.slice(declarator.start, declarator.end).split('\n', 1);
      return [
        `has \`${text}\`, whose result nobody reads: it runs, but is not part of the code's identity. If it changes something that the operation uses, write it as a statement so that it counts: \`${code.slice(call.start, call.end).split('\n', 1)[0]}\``,
      ];
    });
}

/**
 * The kind of a top-level name: `data` may be changed by a function that gets it; `own` is one of the user's functions.
 */
type Binding = 'own' | 'data';

function bindingsIn(body: readonly SyntaxNode[]): ReadonlyMap<string, Binding> {
  const bindings = new Map<string, Binding>();
  const add = (id: unknown, binding: Binding) => {
    if (isNode(id) && id.type === 'Identifier') bindings.set(id.name as string, binding);
  };
  for (const statement of body) {
    const node = isNode(statement.declaration) ? statement.declaration : statement;
    if (isFunction(node)) add(node.id, 'own');
    if (node.type === 'ImportDeclaration' && /^[.#]/.test((node.source as { value: string }).value)) {
      for (const specifier of node.specifiers as SyntaxNode[]) add(specifier.local, 'own');
    }
    if (node.type !== 'VariableDeclaration') continue;
    for (const { id, init } of node.declarations as SyntaxNode[]) {
      const value = isNode(init) ? bare(init) : undefined;
      if (value && isFunction(value)) add(id, 'own');
      else if (value && !isClass(value) && !/Literal$/.test(value.type)) add(id, 'data');
    }
  }
  return bindings;
}

function calledBy(init: SyntaxNode): SyntaxNode | undefined {
  const node = bare(init);
  if (node.type === 'AwaitExpression') return calledBy(node.argument as SyntaxNode);
  return node.type === 'CallExpression' ? node : undefined;
}

function mayFill(call: SyntaxNode, bindings: ReadonlyMap<string, Binding>): boolean {
  const callee = bare(call.callee as SyntaxNode);
  if (callee.type !== 'Identifier' || bindings.get(callee.name as string) !== 'own') return false;
  const given = (call.arguments as SyntaxNode[]).map(bare);
  return given.length === 0 || given.some((node) => bindings.get(node.name as string) === 'data');
}

/** Whether the name is assigned outside its declaration, as exported names may be. */
function isRead(name: string, program: SyntaxNode): boolean {
  let times = 0;
  walk(program, (node) => {
    if (/^(?:JSX)?Identifier$/.test(node.type) && node.name === name) times += 1;
    return times < 2;
  });
  return times > 1;
}
