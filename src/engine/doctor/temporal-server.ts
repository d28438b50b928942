import { SEARCH_ATTRIBUTE_TYPES } from '../../definition/search-attributes.js';
import { userServer } from '../address.js';
import { connectTemporal } from '../connect.js';
import { runningServer } from '../server/server.js';
import type { Check, Examiner } from './check.js';

/** The first version with complete update-with-start, with which every submission begins. */
const OLDEST = [1, 28] as const;

export const temporalServer: Examiner = {
  name: 'temporal server',
  async examine({ env }) {
    if (!(await userServer(env)) && !runningServer(env)) {
      return { name: 'temporal server', ok: true, detail: 'the engine is stopped; submit starts it' };
    }
    const temporal = await connectTemporal({ env, start: false });
    try {
      const { serverVersion } = await temporal.connection.workflowService.getSystemInfo({});
      const detail = `${temporal.address} (${temporal.source}), namespace ${temporal.namespace}, version ${serverVersion}`;
      return [
        versionCheck(detail, serverVersion ?? ''),
        searchAttributesCheck(temporal.searchAttributes, temporal.namespace),
      ];
    } finally {
      await temporal.connection.close();
    }
  },
};

function versionCheck(detail: string, version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const old = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
  if (!old) return { name: 'temporal server', ok: true, detail };
  return { name: 'temporal server', ok: 'warn', detail, next: `use Temporal ${OLDEST.join('.')} or later` };
}

function searchAttributesCheck(present: boolean, namespace: string): Check {
  const name = 'search attributes';
  if (present) return { name, ok: true, detail: `present in namespace ${namespace}` };
  const attributes = Object.entries(SEARCH_ATTRIBUTE_TYPES).map(
    ([name, type]) => `--name ${name} --type ${type}`,
  );
  return {
    name,
    ok: 'warn',
    detail: `missing in namespace ${namespace}, and may not be created: experiments run without them`,
    next: `ask an administrator to run \`temporal operator search-attribute create --namespace ${namespace} ${attributes.join(' ')}\``,
  };
}
