// Builds dist/: TypeScript to JavaScript, then the parts that run elsewhere, each as one file:
// the slots' program and that of a cluster's tasks (no Temporal in them), and the workflow bundle. Last, build-id: a hash of all of it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pbjs from 'protobufjs-cli/pbjs.js';
import { TSC } from './tsc.mjs';

const MIGRATIONS = 'storage/postgresql/migrations';
const LAZY_ZOD = './lazy-zod.js';
const ZOD = 'zod.mjs';
const SERVICES = { workflowservice: 'WorkflowService', operatorservice: 'OperatorService' };
const TEMPORAL_CLIENT = 'temporal-client.mjs';
const PROTOCOL_CODE = [
  ...['--target', 'static-module', '--wrap', 'commonjs'],
  ...['verify', 'convert', 'delimited', 'typeurl', 'beautify', 'comments'].map((part) => `--no-${part}`),
];
// In generated code a service's methods are on its prototype. Temporal's client copies own properties alone.
const OWN_METHODS = `{
  const { WorkflowService } = $root.temporal.api.workflowservice.v1;
  const { create } = WorkflowService;
  WorkflowService.create = (...args) => Object.assign(create.apply(WorkflowService, args), WorkflowService.prototype);
}`;
// In the place of the converters that need the descriptions of all messages. The client has one, for payloads that are
// stored outside of Temporal.
const NO_EXTERNAL_STORAGE = `exports.ProtobufJsonPayloadConverter = class {
  fromPayload() {
    throw new Error("this payload is in external storage: metalab's commands do not read it");
  }
};`;
const ZOD_PROXY = `export const z = new Proxy({}, {
  get: (_, name) => load()[name],
  has: (_, name) => name in load(),
  ownKeys: () => Reflect.ownKeys(load()),
  getOwnPropertyDescriptor: (_, name) => ({ ...Object.getOwnPropertyDescriptor(load(), name), configurable: true }),
});`;
const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
const next = join(root, `dist.${process.pid}`);

try {
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  compile();
  cpSync(join(root, 'src', MIGRATIONS), join(next, MIGRATIONS), { recursive: true });
  loadZodLazily();
  await bundleZod();
  await Promise.all([
    bundleProgram('runner.mjs', 'runner/main.js'),
    bundleProgram('task.mjs', 'execution/slurm/task/main.js'),
    // Programs that read indexes make none.
    bundleProgram('atlas.mjs', 'atlas/main.js', ['node-pg-migrate', 'pg-native']),
    bundleWorkflows(),
    bundleTemporalClient(),
  ]);
  writeFileSync(join(next, 'build-id'), hashOf(next));
  // A worker that runs from the old dist/ has loaded what it needs but for lazy imports: replaced at the next submit.
  rmSync(dist, { recursive: true, force: true });
  renameSync(next, dist);
} finally {
  rmSync(next, { recursive: true, force: true });
}

function compile() {
  const tsc = join(root, TSC);
  const { status } = spawnSync(process.execPath, [tsc, '-p', root, '--outDir', next], { stdio: 'inherit' });
  if (status !== 0) throw new Error('tsc found mistakes: see above');
}

/** A program that runs where no metalab is installed. */
async function bundleProgram(name, main, external = []) {
  const { rolldown } = await import('rolldown');
  const bundle = await rolldown({
    input: join(next, main),
    cwd: next,
    platform: 'node',
    external,
    plugins: [lazyZod(await zodAsText(rolldown))],
  });
  await bundle.write({
    file: join(next, name),
    format: 'esm',
    codeSplitting: false,
    comments: false,
  });
  await bundle.close();
}

/**
 * zod is nine tenths of the slots' program, and most of what a slot's start takes (45 of 55 ms): it is kept as text, and
 * compiled when an operation first asks for it.
 */
function lazyZod(text) {
  const id = '\0lazy-zod';
  const load = `let zod;
    function load() {
      if (!zod) new Function('exports', ${JSON.stringify(text)})((zod = {}));
      return zod.z;
    }`;
  return {
    name: 'lazy-zod',
    resolveId: (specifier) => (specifier === LAZY_ZOD ? id : null),
    load: (module) => (module === id ? `${load}\n${ZOD_PROXY}` : null),
  };
}

/** The same where modules are not bundled: an experiment file without a schema is evaluated 60 ms sooner. */
function loadZodLazily() {
  const file = join(next, 'operation', 'public.js');
  const code = readFileSync(file, 'utf8');
  const lazy = code.replace("from 'zod'", `from '${LAZY_ZOD}'`);
  if (lazy === code) throw new Error(`${file} imports no zod: the build would load it early`);
  writeFileSync(file, lazy);
  const load = `import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    const load = () => require('zod').z;`;
  writeFileSync(join(next, 'operation', 'lazy-zod.js'), `${load}\n${ZOD_PROXY}\n`);
}

/** zod as one file: its 95 modules, half of them translations of its messages, take 80 ms to find and parse; this takes 25. */
async function bundleZod() {
  const { rolldown } = await import('rolldown');
  for (const file of javaScriptFiles(next)) {
    const code = readFileSync(file, 'utf8');
    if (!code.includes(" from 'zod';")) continue;
    const path = relative(dirname(file), join(next, ZOD));
    writeFileSync(
      file,
      code.replace(" from 'zod';", ` from '${path.startsWith('.') ? path : `./${path}`}';`),
    );
  }
  writeLoadedBundle('zod', await zodAsText(rolldown), ['z']);
}

async function zodAsText(rolldown) {
  const bundle = await rolldown({
    input: 'entry',
    platform: 'node',
    plugins: [
      {
        name: 'entry',
        resolveId: (specifier) => (specifier === 'entry' ? { id: join(root, 'zod-entry.mjs') } : null),
        load: (id) => (id.endsWith('zod-entry.mjs') ? "export { z } from 'zod';" : null),
      },
    ],
  });
  const { output } = await bundle.generate({
    format: 'cjs',
    exports: 'named',
    codeSplitting: false,
    comments: false,
    minify: true,
  });
  await bundle.close();
  return output[0].code;
}

/**
 * Temporal's client as one file, for the commands that submit or control: its 250 CommonJS modules take 0.4 s to find and
 * parse. Of its API, commands need neither Temporal Cloud's nor the SDK core's part. Workers load the packages themselves.
 */
async function bundleTemporalClient() {
  const { rolldown } = await import('rolldown');
  const entry = join(root, 'temporal-client-entry.mjs');
  const used = importTemporalClientFromBundle();
  const protocols = await generateProtocols();
  const bundle = await rolldown({
    input: entry,
    cwd: root,
    platform: 'node',
    plugins: [
      {
        name: 'temporal-client',
        resolveId: (specifier) => (specifier === entry ? entry : null),
        load: (id) =>
          id === entry ? `export { ${[...used].sort().join(', ')} } from '@temporalio/client';` : null,
        transform: (_, id) => {
          if (id.endsWith('/@temporalio/proto/protos/root.js')) return protocols;
          return id.endsWith('/protobuf-payload-converters.js') ? NO_EXTERNAL_STORAGE : null;
        },
      },
    ],
  });
  const { output } = await bundle.generate({
    format: 'cjs',
    codeSplitting: false,
    comments: false,
    minify: { compress: true, mangle: false, codegen: true },
  });
  await bundle.close();
  writeLoadedBundle('temporal-client', output[0].code, [...used].sort());
}

/** A file of CommonJS packages, and a module that loads it. */
function writeLoadedBundle(name, code, exported) {
  writeFileSync(join(next, `${name}.cjs`), code);
  const hash = createHash('sha256').update(code).digest('hex').slice(0, 16);
  writeFileSync(
    join(next, `${name}.mjs`),
    `import { loadBundle } from './access/compile-cache.js';
export const { ${exported.join(', ')} } = loadBundle(new URL('./${name}.cjs', import.meta.url), '${hash}');\n`,
  );
}

/** @returns the names that are imported */
function importTemporalClientFromBundle() {
  const importing = /const \{ ([\w, ]+) \} = await import\('@temporalio\/client'\)/g;
  const used = new Set();
  for (const layer of ['client', 'engine'])
    for (const file of javaScriptFiles(join(next, layer))) {
      const code = readFileSync(file, 'utf8');
      if (!code.includes("import('@temporalio/client')")) continue;
      for (const [, names] of code.matchAll(importing)) for (const name of names.split(', ')) used.add(name);
      const bundle = relative(dirname(file), join(next, TEMPORAL_CLIENT));
      writeFileSync(file, code.replaceAll("import('@temporalio/client')", `import('${bundle}')`));
    }
  if (used.size === 0) throw new Error("no command imports Temporal's client");
  return used;
}

/**
 * Code for the messages that commands use: the package describes all of its messages in JSON, and makes their functions when
 * it runs, which takes most of its start.
 */
async function generateProtocols() {
  const input = join(next, 'protocols.json');
  const output = join(next, 'protocols.js');
  writeFileSync(input, JSON.stringify({ nested: protocolsInUse() }));
  await promisify(pbjs.main)([...PROTOCOL_CODE, '--out', output, input]);
  const code = `${readFileSync(output, 'utf8')}\n${OWN_METHODS}`;
  rmSync(input);
  rmSync(output);
  return code;
}

function protocolsInUse() {
  let protocols;
  class Root {
    addJSON(json) {
      protocols = json;
    }
  }
  const code = readFileSync(join(root, 'node_modules/@temporalio/proto/protos/json-module.js'), 'utf8');
  new Function('require', 'module', code)(() => ({ roots: {}, Root }), {});
  delete protocols.coresdk;
  delete protocols.temporal.nested.api.nested.cloud;
  deleteUnusedMethods(protocols);
  return protocols;
}

/** Deletes the methods that commands never call, with the messages that only those use: a third of all. */
function deleteUnusedMethods(protocols) {
  const called = methodsCalled();
  const deleted = [];
  for (const [part, service] of Object.entries(SERVICES)) {
    const { nested } = protocols.temporal.nested.api.nested[part].nested.v1;
    const { methods } = nested[service];
    for (const [name, { requestType, responseType }] of Object.entries(methods)) {
      if (called.has(name[0].toLowerCase() + name.slice(1))) methods[name] = { requestType, responseType };
      else {
        delete methods[name];
        for (const type of [requestType, responseType])
          if (nested[type]) deleted.push({ nested, type, message: nested[type] });
      }
    }
  }
  for (const { nested, type } of deleted) delete nested[type];
  restoreMessagesInUse(protocols, deleted);
}

/** Restores deleted messages until no message refers to a deleted one. */
function restoreMessagesInUse(protocols, deleted) {
  const text = JSON.stringify(protocols);
  const inUse = deleted.filter(({ type }) => text.includes(`"${type}"`) || text.includes(`.${type}"`));
  for (const { nested, type, message } of inUse) nested[type] = message;
  if (inUse.length > 0)
    restoreMessagesInUse(
      protocols,
      deleted.filter((each) => !inUse.includes(each)),
    );
}

function methodsCalled() {
  const files = [
    ...['client', 'engine'].flatMap((layer) => javaScriptFiles(join(next, layer))),
    ...['workflow-client.js', 'connection.js'].map((name) =>
      join(root, 'node_modules/@temporalio/client/lib', name),
    ),
  ];
  const called = files.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/\b(?:workflow|operator)Service\.(\w+)/g)].map(
      ([, name]) => name,
    ),
  );
  return new Set(called);
}

async function bundleWorkflows() {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(next, 'workflows', 'index.js'),
    workflowInterceptorModules: [join(next, 'workflows', 'interceptors.js')],
    logger: new DefaultLogger('WARN'),
    webpackConfigHook: withoutMachinePaths,
  });
  writeFileSync(join(next, 'workflow-bundle.js'), code);
}

/** The same sources make the same bundle, wherever they are: else every build would replace workers of the last. */
function withoutMachinePaths(config) {
  return {
    ...config,
    context: next,
    devtool: 'inline-nosources-source-map',
    output: {
      ...config.output,
      filename: 'workflow-bundle.js',
      devtoolModuleFilenameTemplate: ({ resourcePath }) => resourcePath.replaceAll(root, '../'),
    },
  };
}

function hashOf(folder) {
  const hash = createHash('sha256');
  for (const file of javaScriptFiles(folder).sort())
    hash.update(relative(folder, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 16);
}

function javaScriptFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?js$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
