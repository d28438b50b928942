import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Plugin, RolldownMagicString } from 'rolldown';
import { isVirtual } from './build.js';
import { languageOf } from './imports.js';
import { isNode, type ParsedModule, parseModule, type SyntaxNode, walk } from './syntax.js';

/**
 * Makes a module's `import.meta.url`, `dirname` and `filename` (in CommonJS, `__dirname` and `__filename`) refer to its
 * own file, wherever the bundle is: programs use them to find data next to the source.
 */
export function moduleLocation(): Plugin {
  return {
    name: 'metalab:module-location',
    transform(code, id) {
      const language = languageOf(id);
      if (!language || isVirtual(id) || !/import\.meta|__dirname|__filename/.test(code)) return null;
      const parsed = parseModule(code, language);
      if (!parsed) return null;
      const text = new RolldownMagicString(code);
      for (const { node, value } of locationsIn(parsed, id)) text.overwrite(node.start, node.end, value);
      return text.hasChanged() ? { code: text } : null;
    },
  };
}

interface Location {
  readonly node: SyntaxNode;
  /** The replacement, as source text. */
  readonly value: string;
}

function locationsIn({ program, isModule }: ParsedModule, file: string): Location[] {
  const found: Location[] = [];
  walk(program as unknown as SyntaxNode, (node) => {
    const value = isModule ? ofImportMeta(node, file) : undefined;
    if (value !== undefined) found.push({ node, value: JSON.stringify(value) });
    if (!isModule) found.push(...commonJsLocations(node, file));
    return value === undefined;
  });
  return found;
}

function ofImportMeta(node: SyntaxNode, file: string): string | undefined {
  if (node.type !== 'MemberExpression' || node.computed || !isNode(node.object)) return undefined;
  if (node.object.type !== 'MetaProperty') return undefined;
  switch ((node.property as { readonly name?: string }).name) {
    case 'url':
      return pathToFileURL(file).href;
    case 'dirname':
      return dirname(file);
    case 'filename':
      return file;
    default:
      return undefined;
  }
}

/** Visits only direct children, because an identifier's role depends on its parent. */
function commonJsLocations(parent: SyntaxNode, file: string): Location[] {
  const found: Location[] = [];
  for (const key in parent) {
    const values: readonly unknown[] = Array.isArray(parent[key]) ? parent[key] : [parent[key]];
    for (const node of values) {
      if (!isNode(node) || node.type !== 'Identifier') continue;
      const value = node.name === '__dirname' ? dirname(file) : node.name === '__filename' ? file : undefined;
      if (value === undefined || isName(parent, key)) continue;
      const text = JSON.stringify(value);
      found.push({ node, value: parent.shorthand === true ? `${node.name}: ${text}` : text });
    }
  }
  return found;
}

/** Whether the identifier is a name, not a reference: a property, or a declaration of the module's own. */
function isName(parent: SyntaxNode, key: string): boolean {
  if (key === 'property' || key === 'key') return !parent.computed;
  return key === 'id' || key === 'params' || key === 'label' || key === 'left';
}
