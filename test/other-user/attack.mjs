// Run as another user of the machine: asks the engine's Temporal server for whatever it takes, with a store and an operation
// of his own. Prints one JSON line for each attempt: `{ attempt, refused }`, where `refused` is the reason, or null.
//   node attack.mjs ROOT ORDER, an object with what the test tells him
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [root, orderText] = process.argv.slice(2);
/** @type {{ address: string, queue: string, home: string, store: string, ours: { workflowId: string, runId: string, store: string, running: string, paused: string } }} */
const { address, queue, home, store, ours } = JSON.parse(orderText);

const require = createRequire(join(root, 'package.json'));
const { Client, Connection, WithStartWorkflowOperation } = require('@temporalio/client');
const {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} = require('@temporalio/worker');
const ofMetalab = (module) => import(pathToFileURL(join(root, 'dist', module)).href);
const { SigningKey } = await ofMetalab('identity/signature.js');
const { submissionDocument, controlDocument } = await ofMetalab('contract/workflow.js');

Runtime.install({ logger: new DefaultLogger('ERROR') });
const connection = await Connection.connect({ address });
const client = new Client({ connection });
const ownKey = new SigningKey(Buffer.from(readFileSync(join(home, 'key'), 'latin1').trimEnd(), 'latin1'));

/** The last words of a failure's chain of causes. */
function wordsOf(error) {
  let last = error;
  while (last.cause instanceof Error) last = last.cause;
  return last.message;
}

async function attempt(name, act) {
  const refused = await act().then(() => null, wordsOf);
  process.stdout.write(`${JSON.stringify({ attempt: name, refused })}\n`);
}

/** A submission of his own that nobody has carried out yet: the files of one that is done, under another name. */
function makeSubmission(name) {
  const folder = join(store, 'theirs@1', 'submissions');
  const [done] = readdirSync(folder);
  cpSync(join(folder, done), join(folder, name), { recursive: true });
  for (const file of ['plan.json', 'plan.bin', 'outcome.json', 'enqueued'])
    rmSync(join(folder, name, file), { force: true });
  const manifest = JSON.parse(readFileSync(join(folder, done, 'submission.json'), 'utf8'));
  const made = { ...manifest, submission: name, options: { ...manifest.options, fresh: true } };
  writeFileSync(join(folder, name, 'submission.json'), JSON.stringify(made));
  writeFileSync(join(folder, name, 'env.json'), '{}');
  return { submission: name, declaration: made.declaration, options: made.options };
}

const storeId = JSON.parse(readFileSync(join(store, 'store.json'), 'utf8')).id;
const experiment_id = 'theirs:1';
const workflowId = `metalab/${storeId}/${experiment_id}`;
const uri = pathToFileURL(store).href;
const place = { store: uri, experiment_id };
const unsigned = makeSubmission('forged');
const ownSigned = { ...unsigned, signature: ownKey.sign(submissionDocument(workflowId, place, unsigned)) };

/** Our requests to a workflow, as everybody reads them in the server. */
async function requestsIn(id, runId) {
  const { events } = await client.workflow.getHandle(id, runId).fetchHistory();
  return events
    .flatMap(
      ({ workflowExecutionUpdateAcceptedEventAttributes: update }) =>
        update?.acceptedRequest?.input?.args?.payloads ?? [],
    )
    .map(({ data }) => JSON.parse(Buffer.from(data).toString()));
}
const captured = (await requestsIn(ours.workflowId, ours.runId)).find(({ declaration }) => declaration);

// 1. The experiment workflow on our task queue, with his store.
const submit = (request, id = workflowId, input = { ...place, search_attributes: false }) =>
  client.withDeadline(Date.now() + 60_000, () =>
    client.workflow.executeUpdateWithStart('enqueue', {
      args: [request],
      startWorkflowOperation: new WithStartWorkflowOperation('experiment', {
        workflowId: id,
        taskQueue: queue,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
      }),
    }),
  );
await attempt('a submission that is not signed', () => submit(unsigned));
await attempt('a submission that is signed with his own key', () => submit(ownSigned));
await attempt('a signature of ours on a submission of his', () =>
  submit({ ...unsigned, signature: captured.signature }),
);
await attempt('a request of ours, with a store of his', () => submit(captured, workflowId));
await attempt('a request of ours, under its own name, with a store of his', () =>
  submit(captured, `${ours.workflowId}`, {
    store: uri,
    experiment_id: ours.workflowId.split('/').at(-1),
    search_attributes: false,
  }),
);
await attempt('a request of ours, with other options', () =>
  submit({ ...captured, options: { ...captured.options, fresh: true } }, ours.workflowId, {
    store: ours.store,
    experiment_id: ours.workflowId.split('/').at(-1),
    search_attributes: false,
  }),
);

// 2. The same with a state as continue-as-new carries it over.
const plan = {
  total: 3,
  positions: 3,
  new: 3,
  retried: 0,
  reused: { success: 0, failed: 0, cancelled: 0 },
  stale: { code: 0, context: 0 },
  worker: 'theirs',
  slots: 2,
};
const snapshot = (request, more = {}) => ({
  request,
  started_at: new Date().toISOString(),
  plan: null,
  ranges: [],
  counts: { success: 0, failed: 0, cancelled: 0, elapsed_ms: 0 },
  means: {},
  workers: { theirs: 2 },
  recorded: 0,
  barrenRounds: 0,
  ...more,
});
const forge = (name, carried) =>
  attempt(name, () =>
    client.workflow.execute('experiment', {
      workflowId: `${workflowId}-${name.replaceAll(' ', '-')}`,
      taskQueue: queue,
      args: [{ ...place, search_attributes: false, carried: { queue: [], ...carried } }],
    }),
  );
await forge('a carried submission', { current: snapshot(ownSigned) });
await forge('a carried plan', { current: snapshot(ownSigned, { plan, ranges: [{ from: 0, to: 3 }] }) });
await forge('a carried queue', { current: null, queue: [ownSigned] });
await forge('a carried store that cannot be written', {
  current: snapshot(ownSigned, { unwritable: 'it is full' }),
});

// 3. Every activity, called by a workflow of his own.
const native = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection: native,
  taskQueue: 'theirs',
  workflowBundle: await bundleWorkflowCode({
    workflowsPath: new URL('attack-workflow.mjs', import.meta.url).pathname,
    logger: new DefaultLogger('ERROR'),
  }),
});
const range = { from: 0, to: 3, budget_ms: 3000, ranges: [{ from: 0, to: 3 }], mean_ms: null };
const settle = { started_at: new Date().toISOString() };
const calls = [
  [queue, 'plan', { queued: [] }],
  [`${queue}-slots`, 'execute', range],
  [`${queue}-batches`, 'execute', range],
  [queue, 'settle', { ...settle, abandon: null }],
  [queue, 'settle', { ...settle, abandon: { state: 'failed', reason: 'none' } }],
  [queue, 'probe', {}],
];
const requests = [unsigned, ownSigned, { ...captured, ...unsigned }, captured, null];
await worker.runUntil(async () => {
  for (const [taskQueue, name, input] of calls)
    for (const [number, request] of requests.entries())
      await attempt(`${name} on ${taskQueue.replace(queue, '')}, request ${number}`, () =>
        client.workflow.execute('callActivity', {
          // The workflow's id is part of what is signed.
          workflowId: request === captured ? `${ours.workflowId}` : workflowId,
          taskQueue: 'theirs',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          args: [taskQueue, name, { ...place, ...request, ...input }],
        }),
      );
});
await native.close();

// 4. Controls of a sweep of ours that runs, and of one that we have paused.
const controls = [
  [ours.running, 'cancel', { submission: null, reason: 'theirs' }],
  [ours.running, 'pause', { reason: 'theirs' }],
  [ours.paused, 'resume', {}],
];
for (const [id, update, request] of controls) {
  const sweep = client.workflow.getHandle(id);
  const signature = ownKey.sign(controlDocument(id, update, request));
  await attempt(`an unsigned ${update}`, () => sweep.executeUpdate(update, { args: [request] }));
  await attempt(`a ${update} that is signed with his own key`, () =>
    sweep.executeUpdate(update, { args: [{ ...request, signature }] }),
  );
  await attempt(`a ${update} with the signature of a submission`, () =>
    sweep.executeUpdate(update, { args: [{ ...request, signature: captured.signature }] }),
  );
}
const pause = (await requestsIn(ours.paused)).find(({ reason }) => reason === 'ours');
const resume = (request) =>
  client.workflow.getHandle(ours.paused).executeUpdate('resume', { args: [request] });
await attempt('a resume as of versions that did not sign', () => resume(null));
await attempt('a resume with the signature of our pause', () => resume({ signature: pause.signature }));
await attempt('a resume that is our pause, as it is', () => resume(pause));
await connection.close();
