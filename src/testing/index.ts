// `metalab/testing`: what authors of extensions run in their own tests.
export {
  type ServiceEnvironmentContract,
  testServiceEnvironment,
} from './environment-contract.js';
export type { EnvironmentPlace } from './environment-lab.js';
export { type ServicePluginContract, testServicePlugin } from './service-contract.js';
export { type StoreContract, testStore } from './store-contract.js';
