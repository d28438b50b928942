import { isConstant, isNode, type ParsedModule, type SyntaxNode, walk } from './syntax.js';

/**
 * What a module does that is not covered by its code's identity: importing modules by computed names, and reading data
 * by path. One sentence each, without the module's name.
 *
 * @param readsFiles whether the module imports node:fs
 * @param isGiven whether metalab provided a path, which then needs no warning
 */
export function blindSpots(
  { program }: ParsedModule,
  readsFiles: boolean,
  isGiven: (path: SyntaxNode) => boolean,
): string[] {
  const found = new Set<string>();
  walk(program as unknown as SyntaxNode, (node) => {
    const spot = blindSpot(node, readsFiles, isGiven);
    if (spot) found.add(spot);
    return true;
  });
  return [...found];
}

function blindSpot(
  node: SyntaxNode,
  readsFiles: boolean,
  isGiven: (path: SyntaxNode) => boolean,
): string | undefined {
  switch (node.type) {
    case 'ImportExpression':
      return isConstant(node.source) ? undefined : 'imports a module whose name is computed: import(…)';
    case 'MemberExpression':
      return isImportMeta(node.object) && isLocation(node.property)
        ? `finds its data by import.meta.${(node.property as { readonly name?: string }).name}`
        : undefined;
    case 'CallExpression': {
      const [argument] = node.arguments as SyntaxNode[];
      const callee = calleeName(node.callee as SyntaxNode);
      if (callee === 'createRequire') return 'loads modules by createRequire(…)';
      if (/^(?:__)?require$/.test(callee) && argument && !isConstant(argument)) {
        return 'requires a module whose name is computed: require(…)';
      }
      const reads =
        readsFiles &&
        FILE_READERS.has(callee) &&
        argument &&
        argument.type !== 'MemberExpression' &&
        !isGiven(argument);
      return reads ? `reads a file by its path: ${callee}(…)` : undefined;
    }
    default:
      return undefined;
  }
}

const FILE_READERS = new Set(
  [
    'readFile',
    'createReadStream',
    'open',
    'openAsBlob',
    'opendir',
    'readdir',
    'readFileSync',
    'openSync',
  ].concat(['opendirSync', 'readdirSync']),
);

const isImportMeta = (node: unknown) =>
  isNode(node) && node.type === 'MetaProperty' && (node.meta as { readonly name?: string }).name === 'import';

const isLocation = (node: unknown) =>
  isNode(node) && ['url', 'dirname', 'filename', 'resolve'].includes(node.name as string);

function calleeName(callee: SyntaxNode): string {
  const named = callee.type === 'MemberExpression' ? (callee.property as SyntaxNode) : callee;
  return typeof named.name === 'string' ? named.name : '';
}
