import { type ParseResult, parseSync } from 'rolldown/utils';

/** A node of the syntax tree (ESTree). Offsets are UTF-16 code units. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

export type Program = ParseResult['program'];

export interface ParsedModule {
  readonly program: Program;
  /** Whether it has `import`, `export` or `import.meta`, which CommonJS modules lack. */
  readonly isModule: boolean;
}

export type Language = 'js' | 'jsx' | 'ts' | 'tsx';

/** @returns undefined if the code does not parse: the bundler's own error has a code frame */
export function parseModule(code: string, language: Language = 'js'): ParsedModule | undefined {
  const parsed = parseSync(`module.${language}`, code, { lang: language, preserveParens: true });
  if (parsed.errors.length > 0) return undefined;
  return { program: parsed.program, isModule: parsed.module.hasModuleSyntax };
}

export const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string';

/** Whether an expression is a literal, or a template without expressions. */
export const isConstant = (node: unknown): boolean =>
  isNode(node) &&
  (node.type === 'Literal' ||
    (node.type === 'TemplateLiteral' && (node.expressions as unknown[]).length === 0));

/** A node's direct children, in the order of the source's grammar. */
export function* childrenOf(node: SyntaxNode): Generator<SyntaxNode> {
  for (const key in node) {
    const value = node[key];
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) yield item;
    } else if (isNode(value)) yield value;
  }
}

/** Visits a node and its descendants. If `visit` returns false, that node's descendants are skipped. */
export function walk(node: SyntaxNode, visit: (node: SyntaxNode) => boolean | undefined): void {
  if (visit(node) === false) return;
  for (const child of childrenOf(node)) walk(child, visit);
}

/** The expression without its parentheses and type assertions. */
export function bare(node: SyntaxNode): SyntaxNode {
  switch (node.type) {
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
    case 'TSTypeAssertion':
      return bare(node.expression as SyntaxNode);
    default:
      return node;
  }
}

export const isFunction = (node: SyntaxNode) =>
  node.type === 'ArrowFunctionExpression' ||
  node.type === 'FunctionExpression' ||
  node.type === 'FunctionDeclaration';

export const isClass = (node: SyntaxNode) =>
  node.type === 'ClassExpression' || node.type === 'ClassDeclaration';

/** The names that a declaration's target binds: one, or those of a destructuring pattern. */
export function namesOf(pattern: SyntaxNode): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name as string];
    case 'ObjectPattern':
      return (pattern.properties as SyntaxNode[]).flatMap((property) =>
        namesOf((property.type === 'RestElement' ? property.argument : property.value) as SyntaxNode),
      );
    case 'ArrayPattern':
      return (pattern.elements as (SyntaxNode | null)[]).flatMap((element) =>
        element ? namesOf(element) : [],
      );
    case 'AssignmentPattern':
      return namesOf(pattern.left as SyntaxNode);
    case 'RestElement':
      return namesOf(pattern.argument as SyntaxNode);
    default:
      return [];
  }
}
