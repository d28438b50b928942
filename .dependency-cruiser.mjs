// The layers of ARCHITECTURE.md: what each may import. Types count as imports, except where a rule says otherwise.

/** What each layer may import beside itself and packages. */
const MAY_IMPORT = {
  definition: [],
  access: ['definition'],
  extensions: ['definition'],
  // The schemas of [services], so that its mistakes are found when the files are read.
  config: ['definition', 'extensions', 'services/plugins.ts'],
  identity: ['definition', 'access'],
  operation: ['definition'],
  // A submission's manifest has its environment.
  storage: ['definition', 'access', 'identity', 'extensions', 'config/resolved-config.ts'],
  planning: ['definition', 'identity', 'storage'],
  runner: ['definition', 'access', 'identity', 'operation', 'storage'],
  // Commands and files at a place: what executors use, and services will.
  transport: ['definition', 'config/resolved-config.ts', 'storage/file/owner.ts'],
  // What files are named by, wherever they are: their SHA-256. And which runs there are, to record what a cluster lost.
  execution: [
    'transport',
    'definition',
    'access',
    'extensions',
    'config',
    'identity/hash-content.ts',
    'identity/cells.ts',
    'storage',
    'planning',
    'runner',
  ],
  results: ['definition', 'access', 'identity', 'operation', 'storage'],
  plot: ['definition', 'results'],
  // A store's experiments over HTTP.
  atlas: ['definition', 'access', 'storage', 'results'],
  // What authors of stores and services run in their own tests.
  testing: [
    'definition',
    'identity/fingerprint.ts',
    'storage',
    'results',
    'services',
    'transport/ssh/command-line.ts',
    'engine/server/ports.ts',
  ],
  // Infrastructure for experiments: plugins plan it, environments carry the plans out.
  services: [
    'definition',
    'access',
    'extensions',
    'config',
    'identity/hash-content.ts',
    'storage',
    'transport',
    'execution',
    'engine',
    'atlas/token-file.ts',
  ],
  // What workflows, activities and clients agree on.
  contract: [
    'definition',
    'storage',
    'runner/protocol/protocol.ts',
    'execution/batch-executor.ts',
    'services/service.ts',
  ],
  workflows: [
    'definition',
    'contract',
    'storage/manifest.ts',
    'execution/batch-executor.ts',
    'services/service.ts',
  ],
  activities: [
    'definition',
    'identity',
    'config/resolved-config.ts',
    'storage',
    'planning',
    'runner',
    'execution',
    'services',
    'contract',
  ],
  // The key of this engine.
  engine: ['definition', 'access', 'identity/signature.ts'],
  // The child that evaluates experiment files imports what they import.
  client: [
    'index.ts',
    'access',
    'definition',
    'identity',
    'config',
    'storage',
    'planning',
    'results',
    // The way to clusters, whose files it hashes and whose artifacts it fetches.
    'execution',
    'transport',
    'services',
    'engine',
    'contract',
  ],
  workers: [
    'definition',
    'access',
    'config',
    'storage',
    'planning',
    'execution',
    'transport',
    'results',
    'services',
    'activities',
    'contract',
    'workflows',
    'engine',
  ],
  cli: [
    'definition',
    'access',
    'config',
    'execution',
    'transport',
    'storage',
    'results',
    'plot',
    'services',
    'client',
    'atlas',
    'engine',
    'workers',
  ],
};

const layerRules = Object.entries(MAY_IMPORT).map(([layer, allowed]) => ({
  name: `${layer}-imports-only-what-it-may`,
  severity: 'error',
  comment: `src/${layer} may import ${allowed.join(', ') || 'nothing but itself'}: see ARCHITECTURE.md`,
  from: { path: `^src/${layer}/` },
  to: { path: '^src/', pathNot: [layer, ...allowed].map((name) => `^src/${name}(/|$)`) },
}));

export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      // Types count: whoever reads one file of a circle must read them all.
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, path: '^src/', pathNot: '\\.d\\.m?ts$' },
      to: {},
    },
    ...layerRules,
    {
      name: 'workflows-are-deterministic',
      severity: 'error',
      comment:
        'workflow code runs in an isolate: no Node, no adapters, no values of other layers but pure arithmetic and constants',
      from: { path: '^src/(workflows/|contract/(workflow|services)\\.ts)' },
      to: {
        path: [
          '^src/(?!workflows/|contract/(workflow|services)\\.ts$)',
          '^node:',
          '^node_modules/(?!@temporalio/(workflow|common)/)',
        ],
        pathNot:
          '^src/definition/(running-mean|run-digest|failure-limit|search-attributes|position-range)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'runner-knows-no-temporal',
      severity: 'error',
      from: { path: '^src/(definition|access|identity|operation|runner|storage|results|planning)/' },
      to: { path: 'node_modules/@temporalio/' },
    },
    {
      name: 'runner-storage-is-file-only',
      severity: 'error',
      from: { path: '^src/runner/' },
      to: { path: '^src/storage/', pathNot: ['^src/storage/file/', '^src/storage/manifest\\.ts$'] },
    },
    {
      name: 'execution-knows-no-slots-inside',
      severity: 'error',
      comment: 'executors and slots share a protocol, not code',
      from: { path: '^src/execution/' },
      to: { path: '^src/runner/', pathNot: '^src/runner/protocol/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
