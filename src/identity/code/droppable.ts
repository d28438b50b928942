import { RolldownMagicString } from 'rolldown';
import { changesOthers, hasDecorators, hasStaticEffects, isInert, topLevelAwaits } from './effects.js';
import { bare, isClass, type Language, namesOf, parseModule, type SyntaxNode } from './syntax.js';

const PURE = '/* @__PURE__ */ ';
const DEFAULT = 'metalab_default';

/**
 * Makes every initialiser at a module's top level droppable: the bundler then drops it if its value is never read, even
 * if it calls, spreads or destructures something. `const a = INIT` becomes `const a = PURE (() => (INIT))()`.
 * Annotating each call instead leaves spreads, templates, destructuring and classes with static parts behind.
 * Statements are unchanged, so they always count. The result is only hashed, never run: its `await`s are replaced, and
 * dropped code may have had side effects.
 *
 * @returns undefined if there is nothing to change
 */
export function makeDroppable(code: string, language: Language): RolldownMagicString | undefined {
  const parsed = parseModule(code, language);
  if (!parsed?.isModule) return undefined;
  const edits = new DroppableEdits(code);
  for (const statement of parsed.program.body) edits.statement(statement as unknown as SyntaxNode);
  return edits.text.hasChanged() ? edits.text : undefined;
}

class DroppableEdits {
  readonly text: RolldownMagicString;

  constructor(code: string) {
    this.text = new RolldownMagicString(code);
  }

  statement(node: SyntaxNode): void {
    const declaration = node.declaration as SyntaxNode | null | undefined;
    if (node.type === 'VariableDeclaration') this.#variables(node, node, '');
    else if (node.type === 'ClassDeclaration') this.#classDeclaration(node, node, '', '');
    else if (node.type === 'ImportDeclaration') this.#bareImport(node);
    else if (node.type === 'ExportDefaultDeclaration') this.#exportDefault(node, declaration!);
    else if (node.type === 'ExportNamedDeclaration' && declaration?.type === 'VariableDeclaration') {
      this.#variables(node, declaration, 'export ');
    } else if (node.type === 'ExportNamedDeclaration' && declaration?.type === 'ClassDeclaration') {
      this.#classDeclaration(node, declaration, 'export ', '');
    }
  }

  #variables(statement: SyntaxNode, node: SyntaxNode, prefix: string): void {
    if (node.declare === true || !['const', 'let', 'var'].includes(node.kind as string)) return;
    const declarators = node.declarations as SyntaxNode[];
    declarators.forEach((declarator, index) => {
      const previous = declarators[index - 1];
      // A declaration is kept or dropped as a whole, so each binding gets its own declaration.
      if (previous) this.text.overwrite(previous.end, declarator.start, `; ${prefix}${node.kind} `);
      const init = declarator.init as SyntaxNode | null;
      const target = declarator.id as SyntaxNode;
      if (!init) return;
      if (target.type === 'Identifier') this.#initialiser(init, target.name as string);
      else if (node.kind === 'const')
        this.#destructuring(statement, declarator, target, init, prefix, !previous);
      else this.#initialiser(init, '');
    });
  }

  #initialiser(init: SyntaxNode, name: string): void {
    if (isInert(init) || changesOthers(init)) return;
    if (isClass(bare(init)) && name) this.#wrap(init, `{ const ${name} = `, `; return ${name}; }`);
    else this.#wrap(init, '(', ')');
  }

  #destructuring(
    statement: SyntaxNode,
    declarator: SyntaxNode,
    target: SyntaxNode,
    init: SyntaxNode,
    prefix: string,
    isFirst: boolean,
  ): void {
    if (changesOthers(declarator)) return;
    const names = namesOf(target);
    const whole = `metalab_parts_${declarator.start}`;
    // With `export`, the whole object would be exported as well. That does no harm: no other module knows its name.
    const start = isFirst ? statement.start : declarator.start;
    const parts = names.map((name) => `; ${prefix}const ${name} = ${whole}.${name}`).join('');
    const head = `${whole} = ${PURE}(() => { const `;
    if (isFirst) this.text.overwrite(start, target.start, `${prefix}const ${head}`);
    else this.text.prependRight(target.start, head);
    this.#replaceAwaits(declarator);
    this.text.appendLeft(init.end, `; return { ${names.join(', ')} }; })()${parts}`);
  }

  #classDeclaration(statement: SyntaxNode, node: SyntaxNode, prefix: string, suffix: string): void {
    if (node.declare === true || hasDecorators(node) || !hasStaticEffects(node) || changesOthers(node))
      return;
    const name = namesOf(node.id as SyntaxNode)[0];
    if (statement.start < node.start) this.text.remove(statement.start, node.start);
    this.text.prependRight(node.start, `${prefix}let ${name} = ${PURE}(() => { `);
    this.text.appendLeft(node.end, ` return ${name}; })();${suffix}`);
  }

  #exportDefault(statement: SyntaxNode, node: SyntaxNode): void {
    if (node.type === 'ClassDeclaration' && node.id) {
      const name = namesOf(node.id as SyntaxNode)[0];
      this.#classDeclaration(statement, node, '', ` export { ${name} as default };`);
      return;
    }
    const isDeclaration = node.type === 'FunctionDeclaration' || node.type.startsWith('TS');
    if (isDeclaration || isInert(node) || changesOthers(node) || hasClassDecorators(node)) return;
    // The same name in every file, since the bundler would name it after the file.
    this.text.overwrite(statement.start, node.start, `const ${DEFAULT} = `);
    this.#wrap(node, '(', ')');
    this.text.appendLeft(statement.end, `; export { ${DEFAULT} as default };`);
  }

  /** `import 'package'` is written for its side effects, so it is kept; other imports from packages count only if used. */
  #bareImport(node: SyntaxNode): void {
    const source = (node.source as { readonly value: string }).value;
    if ((node.specifiers as unknown[]).length > 0 || /^[./#]|^node:/.test(source)) return;
    const name = `metalab_effect_${node.start}`;
    this.text.overwrite(
      node.start,
      node.end,
      `import * as ${name} from ${JSON.stringify(source)}; globalThis.metalab_effect(${name});`,
    );
  }

  #wrap(node: SyntaxNode, open: string, close: string): void {
    this.#replaceAwaits(node);
    this.text.prependRight(node.start, `${PURE}(() => ${open}`);
    this.text.appendLeft(node.end, `${close})()`);
  }

  /** A function can't contain a module's `await`, but it can contain a call. */
  #replaceAwaits(node: SyntaxNode): void {
    for (const wait of topLevelAwaits(node)) {
      const argument = wait.argument as SyntaxNode;
      this.text.overwrite(wait.start, argument.start, 'globalThis.metalab_await(');
      this.text.appendLeft(wait.end, ')');
    }
  }
}

const hasClassDecorators = (node: SyntaxNode) => isClass(node) && hasDecorators(node);
