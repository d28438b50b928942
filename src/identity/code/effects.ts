import { bare, childrenOf, isClass, isFunction, type SyntaxNode, walk } from './syntax.js';

/** Whether the bundler knows that evaluating this has no side effect. Such initialisers are not changed. */
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

/** Whether evaluating a class may have side effects: static fields and blocks, computed keys, a superclass. */
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

/** Whether a class or a member of it has decorators, which the bundler transforms. */
export function hasDecorators(node: SyntaxNode): boolean {
  const members = (node.body as { readonly body: SyntaxNode[] }).body;
  return [node, ...members].some((part) => Array.isArray(part.decorators) && part.decorators.length > 0);
}

/**
 * Whether an initialiser visibly changes something outside of itself: an assignment, or a call such as `table.set(…)`.
 * Called functions are not inspected: by the rule of identity, a call in an initialiser counts only by its value.
 */
export function changesOthers(expression: SyntaxNode): boolean {
  let found = false;
  walk(expression, (node) => {
    if (isFunction(node)) return false;
    if (node.type === 'AssignmentExpression' || node.type === 'UpdateExpression') found = true;
    if (node.type === 'UnaryExpression' && node.operator === 'delete') found = true;
    if (node.type === 'CallExpression' && isMutation(node)) found = true;
    return !found;
  });
  return found;
}

const MUTATING_METHODS = new Set(
  'add append clear copyWithin define delete fill pop push register reverse set shift sort splice unshift use'.split(
    ' ',
  ),
);
const MUTATING_STATICS = new Set(['assign', 'defineProperty', 'defineProperties', 'setPrototypeOf']);

/**
 * `list.push(x)` and `Object.assign(defaults, x)`, but not `[3, 1].sort()` or `Object.assign({}, x)`: those change only
 * new objects.
 */
function isMutation(call: SyntaxNode): boolean {
  const callee = bare(call.callee as SyntaxNode);
  if (callee.type !== 'MemberExpression' || callee.computed) return false;
  const method = (callee.property as { readonly name?: string }).name ?? '';
  const receiver = callee.object as SyntaxNode;
  const [first] = call.arguments as SyntaxNode[];
  if (MUTATING_STATICS.has(method)) return first !== undefined && isVariable(first);
  return MUTATING_METHODS.has(method) && isVariable(receiver);
}

function isVariable(expression: SyntaxNode): boolean {
  const node = bare(expression);
  return (
    node.type === 'Identifier' || (node.type === 'MemberExpression' && isVariable(node.object as SyntaxNode))
  );
}

/** The `await`s at the module's top level, not those within functions. */
export function topLevelAwaits(expression: SyntaxNode): SyntaxNode[] {
  if (isFunction(expression)) return [];
  const own = expression.type === 'AwaitExpression' ? [expression] : [];
  return [...own, ...[...childrenOf(expression)].flatMap(topLevelAwaits)];
}
