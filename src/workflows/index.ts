// What the workflow bundle exports: the workflow types' names.
export { experiment } from './experiment-workflow.js';
export { services } from './services/services-workflow.js';
