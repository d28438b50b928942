import { bare, childrenOf, isClass, isFunction, type SyntaxNode, walk } from './syntax.js';

/** Whether the bundler sees by itself that evaluating this does nothing: such initialisers are left as they are. */
export function isInert(expression: SyntaxNode): boolean {
  const node = bare(expression);
  if (isFunction(node)) return true;
  if (isClass(node)) return !hasStaticEffects(node);
  switch (node.type) {
    case 'Literal':
    case 'Identifier':
      return true;
    case 'UnaryExpression':
      return node.operator !== 'delete' && bare(node.argument as SyntaxNode).type === 'Literal';
    case 'TemplateLiteral':
      return (node.expressions as SyntaxNode[]).length === 0;
    case 'ArrayExpression':
      return (node.elements as (SyntaxNode | null)[]).every(
        (element) => element === null || isInert(element),
      );
    case 'ObjectExpression':
      return (node.properties as SyntaxNode[]).every(
        (property) =>
          property.type === 'Property' && !property.computed && isInert(property.value as SyntaxNode),
      );
    default:
      return false;
  }
}

/** Whether evaluating a class does more than making it: static fields and blocks, computed keys, a superclass. */
export function hasStaticEffects(node: SyntaxNode): boolean {
  if (node.superClass) return true;
  const members = (node.body as { readonly body: SyntaxNode[] }).body;
  return members.some(
    (member) =>
      member.type === 'StaticBlock' ||
      member.computed === true ||
      (member.static === true && isNodeWithValue(member) && !isInert(member.value)),
  );
}

const isNodeWithValue = (member: SyntaxNode): member is SyntaxNode & { readonly value: SyntaxNode } =>
  member.type !== 'MethodDefinition' && Boolean(member.value);

/** Whether a class has decorators, on itself or a member: they are given their meaning by the bundler. */
export function hasDecorators(node: SyntaxNode): boolean {
  const members = (node.body as { readonly body: SyntaxNode[] }).body;
  return [node, ...members].some((part) => Array.isArray(part.decorators) && part.decorators.length > 0);
}

/** Whether it assigns to something outside of it, not counting what functions do that are called. */
export function assigns(expression: SyntaxNode): boolean {
  let found = false;
  walk(expression, (node) => {
    if (isFunction(node)) return false;
    if (node.type === 'AssignmentExpression' || node.type === 'UpdateExpression') found = true;
    if (node.type === 'UnaryExpression' && node.operator === 'delete') found = true;
    return !found;
  });
  return found;
}

/** The `await`s that wait while the module is evaluated, not those within functions. */
export function topLevelAwaits(expression: SyntaxNode): SyntaxNode[] {
  if (isFunction(expression)) return [];
  const own = expression.type === 'AwaitExpression' ? [expression] : [];
  return [...own, ...[...childrenOf(expression)].flatMap(topLevelAwaits)];
}
