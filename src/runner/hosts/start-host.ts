import type { OperationDeclaration } from '../../definition/declaration.js';
import { MetalabError } from '../../definition/errors.js';
import type { StartHost } from './operation-host.js';
import { startTypeScriptHost } from './typescript.js';

const HOSTS: {
  readonly [Kind in OperationDeclaration['kind']]: StartHost<Extract<OperationDeclaration, { kind: Kind }>>;
} = {
  typescript: startTypeScriptHost,
};

/**
 * Starts the host for an operation's kind.
 *
 * @throws as {@link StartHost}; MetalabError if this version of metalab does not know the kind
 */
export const startHost: StartHost = (folder, operation) => {
  const start: StartHost | undefined = HOSTS[operation.kind];
  if (start) return start(folder, operation);
  throw new MetalabError({
    code: 'METALAB_OPERATION_KIND',
    where: operation.ref,
    what: `operations of kind ${JSON.stringify(operation.kind)} are not known to this version of metalab`,
    expected: Object.keys(HOSTS).join(', '),
    next: 'use the version of metalab that submitted the experiment',
  });
};
