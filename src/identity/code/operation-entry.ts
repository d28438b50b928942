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
export function operationEntry({ file, exportName }: OperationBinding, as: string): Plugin {
  const imported = /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(exportName) ? exportName : JSON.stringify(exportName);
  return {
    name: 'metalab:operation-entry',
    resolveId: { filter: { id: /^\0metalab\/operation$/ }, handler: (id) => id },
    load: {
      filter: { id: /^\0metalab\/operation$/ },
      handler: () => `export { ${imported} as ${as} } from ${JSON.stringify(file)};`,
    },
  };
}
