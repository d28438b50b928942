/** Search attributes of experiment workflows, by which the Temporal UI can filter and sort experiments. */
export const SEARCH_ATTRIBUTES = {
  experiment: 'MetalabExperiment',
  status: 'MetalabStatus',
  total: 'MetalabTotal',
  done: 'MetalabDone',
  failed: 'MetalabFailed',
} as const;

export type SearchAttribute = (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES];

export const SEARCH_ATTRIBUTE_TYPES: { readonly [name in SearchAttribute]: 'Keyword' | 'Int' } = {
  MetalabExperiment: 'Keyword',
  MetalabStatus: 'Keyword',
  MetalabTotal: 'Int',
  MetalabDone: 'Int',
  MetalabFailed: 'Int',
};
