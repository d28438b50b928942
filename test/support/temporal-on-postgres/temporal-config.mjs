// @ts-check
import { fileURLToPath } from 'node:url';
import { USER } from './postgres.mjs';
import { DATABASES } from './schema.mjs';

/** The file that docker-compose.yml mounts. */
const DYNAMIC_CONFIG = fileURLToPath(new URL('../../../docker/dynamic-config.yaml', import.meta.url));

export const SERVICES = /** @type {const} */ (['frontend', 'history', 'matching', 'worker']);

/**
 * @typedef {object} ServicePorts
 * @property {number} grpcPort
 * @property {number} membershipPort by which the services find each other
 */

/**
 * The configuration of a Temporal server whose four services are one process, on 127.0.0.1 only: JSON, which is YAML too.
 *
 * @param {import('./postgres.mjs').Postgres} postgres
 * @param {Readonly<Record<(typeof SERVICES)[number], ServicePorts>>} ports
 */
export function temporalConfig(postgres, ports) {
  const address = `127.0.0.1:${ports.frontend.grpcPort}`;
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      numHistoryShards: 4,
      defaultStore: 'default',
      visibilityStore: 'visibility',
      datastores: {
        default: { sql: datastore(postgres, DATABASES.default, 20) },
        visibility: { sql: datastore(postgres, DATABASES.visibility, 10) },
      },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(
      SERVICES.map((service) => [service, { rpc: { ...ports[service], bindOnIP: '127.0.0.1' } }]),
    ),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: address },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    publicClient: { hostPort: address },
    dynamicConfigClient: { filepath: DYNAMIC_CONFIG, pollInterval: '60s' },
  };
}

/**
 * @param {import('./postgres.mjs').Postgres} postgres
 * @param {string} databaseName
 * @param {number} maxConns
 */
const datastore = ({ port, password }, databaseName, maxConns) => ({
  pluginName: 'postgres12',
  databaseName,
  connectAddr: `127.0.0.1:${port}`,
  connectProtocol: 'tcp',
  user: USER,
  password,
  maxConns,
  maxIdleConns: maxConns,
  maxConnLifetime: '1h',
});
