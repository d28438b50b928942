import { type AST, parseTOML } from 'toml-eslint-parser';

/** Where a value is in a file: keys of tables and indexes of arrays. */
export type Path = readonly (string | number)[];

/**
 * The lines of every key and array item of a TOML document. smol-toml, which parses the values, reports no positions;
 * toml-eslint-parser accepts keys that are unsafe in JavaScript, and rounds large integers.
 *
 * @param text a valid document: smol-toml has accepted it
 * @returns a line from 1, by path; for a table with several headers, the first
 */
export function positionsOf(text: string): (path: Path) => number | undefined {
  const lines = new Map<string, number>();

  function note(path: Path, { loc }: AST.TOMLNode): void {
    for (let length = 1; length <= path.length; length++) {
      const name = JSON.stringify(path.slice(0, length));
      if (!lines.has(name)) lines.set(name, loc.start.line);
    }
  }

  function visitPair(table: Path, { key, value }: AST.TOMLKeyValue): void {
    const path = [...table, ...key.keys.map((part) => (part.type === 'TOMLBare' ? part.name : part.value))];
    note(path, key);
    visitValue(path, value);
  }

  function visitValue(path: Path, node: AST.TOMLContentNode): void {
    if (node.type === 'TOMLInlineTable') for (const pair of node.body) visitPair(path, pair);
    if (node.type !== 'TOMLArray') return;
    node.elements.forEach((element, index) => {
      note([...path, index], element);
      visitValue([...path, index], element);
    });
  }

  const [{ body }] = parseTOML(text.replace(/^\ufeff/, ''), { tomlVersion: '1.1' }).body;
  for (const node of body) {
    if (node.type === 'TOMLKeyValue') visitPair([], node);
    else {
      note(node.resolvedKey, node.key);
      for (const pair of node.body) visitPair(node.resolvedKey, pair);
    }
  }
  return (path) => lines.get(JSON.stringify(path));
}
