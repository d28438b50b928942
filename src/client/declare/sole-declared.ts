import { readFileSync } from 'node:fs';
import { languageOf } from '../../identity/code/imports.js';
import { isNode, parseModule, type SyntaxNode, walk } from '../../identity/code/syntax.js';

/**
 * The exported name of a module's operation (or derivation), read from its source, if metalab's `operation(…)` (`derive(…)`)
 * is called exactly once in it: then that call declared it.
 *
 * @returns undefined if it is called elsewhere too, or its result is not exported
 */
export function soleDeclared(file: string, by: 'operation' | 'derive'): string | undefined {
  const parsed = readModule(file);
  if (!parsed) return undefined;
  const isCall = declaringCall(parsed, by);
  let calls = 0;
  walk(parsed, (node) => {
    if (isCall(node)) calls++;
    return true;
  });
  return calls === 1 ? exportedNameOf(parsed, isCall) : undefined;
}

function readModule(file: string): SyntaxNode | undefined {
  const language = languageOf(file);
  try {
    const parsed = language && parseModule(readFileSync(file, 'utf8'), language);
    return parsed?.isModule ? (parsed.program as unknown as SyntaxNode) : undefined;
  } catch {
    return undefined;
  }
}

const nameOf = (node: unknown): string | undefined =>
  isNode(node) ? ((node.name ?? node.value) as string | undefined) : undefined;

/** Whether a node calls metalab's function of this name, by the module's imports. */
function declaringCall(program: SyntaxNode, by: string): (node: unknown) => boolean {
  const locals = new Set<string | undefined>();
  for (const statement of program.body as SyntaxNode[]) {
    if (statement.type !== 'ImportDeclaration' || nameOf(statement.source) !== 'metalab') continue;
    for (const specifier of statement.specifiers as SyntaxNode[]) {
      const isWhole = specifier.type !== 'ImportSpecifier';
      if (isWhole || nameOf(specifier.imported) === by)
        locals.add(`${nameOf(specifier.local)}${isWhole ? `.${by}` : ''}`);
    }
  }
  return (node) => {
    if (!isNode(node) || node.type !== 'CallExpression' || !isNode(node.callee)) return false;
    const { callee } = node;
    if (callee.type === 'Identifier') return locals.has(nameOf(callee));
    return (
      callee.type === 'MemberExpression' && locals.has(`${nameOf(callee.object)}.${nameOf(callee.property)}`)
    );
  };
}

function exportedNameOf(program: SyntaxNode, isCall: (node: unknown) => boolean): string | undefined {
  const locals = new Set<string | undefined>();
  const exported = new Map<string | undefined, string | undefined>();
  for (const statement of program.body as SyntaxNode[]) {
    const declaration = isNode(statement.declaration) ? statement.declaration : undefined;
    if (statement.type === 'ExportDefaultDeclaration' && isCall(declaration)) return 'default';
    if (statement.type === 'ExportDefaultDeclaration') exported.set(nameOf(declaration), 'default');
    const variables = declaration ?? statement;
    if (variables.type === 'VariableDeclaration') {
      for (const { id, init } of variables.declarations as SyntaxNode[]) {
        if (!isCall(init)) continue;
        if (statement.type === 'ExportNamedDeclaration') return nameOf(id);
        locals.add(nameOf(id));
      }
    }
    if (statement.type === 'ExportNamedDeclaration') {
      for (const specifier of statement.specifiers as SyntaxNode[])
        exported.set(nameOf(specifier.local), nameOf(specifier.exported));
    }
  }
  return [...locals].map((local) => exported.get(local)).find((name) => name !== undefined);
}
