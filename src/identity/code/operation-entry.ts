import type { Plugin } from 'rolldown';

/** The exported binding from which a build starts. */
export interface OperationBinding {
  /** The module that exports it: an absolute, real path. */
  readonly file: string;
  /** `default`, or the exported name. */
  readonly exportName: string;
}

export const ENTRY = '\0metalab/operation';

/** A virtual entry that exports only the operation, always under the same name. */
export const operationEntry = (binding: OperationBinding, as: string): Plugin =>
  virtualEntry(`export { ${importedName(binding)} as ${as} } from ${JSON.stringify(binding.file)};`);

/** A virtual entry whose default export is the operation, if there is one; `derived` has derivations by name. */
export function bundleEntry(
  operation: OperationBinding | undefined,
  derived: { readonly [name: string]: OperationBinding },
): Plugin {
  const lines = operation
    ? [`export { ${importedName(operation)} as default } from ${JSON.stringify(operation.file)};`]
    : [];
  const entries = Object.entries(derived);
  for (const [index, [, binding]] of entries.entries())
    lines.push(
      `import { ${importedName(binding)} as derived${index} } from ${JSON.stringify(binding.file)};`,
    );
  if (entries.length > 0) {
    const list = entries.map(([name], index) => `${JSON.stringify(name)}: derived${index}`);
    lines.push(`export const derived = { ${list.join(', ')} };`);
  }
  return virtualEntry(lines.join('\n'));
}

const importedName = ({ exportName }: OperationBinding) =>
  /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(exportName) ? exportName : JSON.stringify(exportName);

const virtualEntry = (code: string): Plugin => ({
  name: 'metalab:operation-entry',
  resolveId: { filter: { id: /^\0metalab\/operation$/ }, handler: (id) => id },
  load: { filter: { id: /^\0metalab\/operation$/ }, handler: () => code },
});
