// `metalab/testing`: what authors of extensions run in their own tests.
export { type StoreContract, testStore } from './store-contract.js';
