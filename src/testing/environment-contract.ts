import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync } from 'node:fs';
import { ServiceOrchestrator } from '../services/orchestrator.js';
import type { ServiceHandle } from '../services/service.js';
import {
  byName,
  type EnvironmentPlace,
  endOf,
  filesIn,
  Lab,
  look,
  read,
  statusOf,
  until,
} from './environment-lab.js';
import { askSample, SAMPLE_SECRET, samplePlugin, sampleSpec } from './sample-service.js';

/** How a type of environments is tested as a place for services. */
export interface ServiceEnvironmentContract {
  /** The test runner's own, as of Vitest, Jest or node:test. */
  readonly test: (name: string, body: () => Promise<void>) => unknown;
  /** A new place, in which nothing runs. */
  readonly placeOf: () => Promise<EnvironmentPlace>;
}

const BOTH = [sampleSpec('store'), sampleSpec('board')];
const NAMES = BOTH.map(({ name }) => name);

/** Declares the tests that every environment passes in which services run. */
export function testServiceEnvironment({ test, placeOf }: ServiceEnvironmentContract): void {
  /** Runs with a new place, which is removed afterwards. */
  const within = (use: (lab: Lab) => Promise<void>) => async () => {
    const lab = new Lab(await placeOf());
    try {
      await use(lab);
    } finally {
      await lab.close();
    }
  };

  test(
    'starts services in order, tells where they are, and ends them in reverse order, all of each',
    within(async (lab) => {
      const services = await lab.open();
      assert.deepEqual(await services.inspect(), []);
      const handles = await services.up(BOTH, lab.options());
      assert.deepEqual(
        handles.map(({ name, status, restarts }) => ({ name, status, restarts })),
        NAMES.map((name) => ({ name, status: 'running', restarts: 0 })),
      );
      for (const { since, process_id } of handles) {
        assert.match(String(since), /^\d{4}-\d\d-\d\dT.*Z$/);
        assert.ok(process_id);
      }
      const [store, board] = handles as [ServiceHandle, ServiceHandle];
      assert.equal(await askSample(store), 'store 1');
      // By which address it is reached from there is the environment's choice.
      assert.match(String(await askSample(board)), new RegExp(`^board 1 test://me@\\S+:${store.port}/lab$`));
      assert.deepEqual(store.provides, [
        { kind: 'store', value: `test://me@${store.host}:${store.port}/lab` },
      ]);
      assert.ok(lab.progress.length > 0, 'nobody was told what goes on');
      assert.deepEqual(await look(services), byName(handles));

      await services.down(NAMES, lab.options());
      assert.deepEqual(await lab.processes(), []);
      const ends = await Promise.all(NAMES.map((name) => endOf(services, name)));
      assert.ok(ends[1]! <= ends[0]!, 'the provider ended before its consumer');
      const ended = { status: 'stopped', process_id: null, since: null };
      const isEnded = async () =>
        assert.deepEqual(
          (await look(services)).map(({ status, process_id, since }) => ({ status, process_id, since })),
          [ended, ended],
        );
      await isEnded();
      await services.down(NAMES, lab.options());
      await isEnded();
    }),
  );

  test(
    'has one set of services, however many ask for them, at once or later',
    within(async (lab) => {
      const [one, other] = [await lab.open(), await lab.open()];
      const [first, second] = await Promise.all([one, other].map((each) => each.up(BOTH, lab.options())));
      assert.deepEqual(second, first);
      assert.deepEqual(await (await lab.open()).up(BOTH, lab.options()), first);
      assert.equal(await askSample(first![0]!), 'store 1');
      assert.equal((await lab.processes('server.mjs')).length, 2);
    }),
  );

  test(
    'keeps data, ports and logs from down to up, and restarts what is wanted with another configuration',
    within(async (lab) => {
      const services = await lab.open();
      const [first] = await services.up([sampleSpec('store')], lab.options());
      await services.down(['store'], lab.options());
      assert.equal(
        await read(services, 'store', 1),
        `${(await read(services, 'store', 9)).split('\n').at(-2)}\n`,
      );
      const [second] = await services.up([sampleSpec('store')], lab.options());
      assert.equal(second!.port, first!.port);
      assert.equal(second!.restarts, 0);
      assert.notDeepEqual(second!.process_id, first!.process_id);
      assert.equal(await askSample(second!), 'store 2');
      const [third] = await services.up([sampleSpec('store', { word: 'bye' })], lab.options());
      assert.notDeepEqual(third!.process_id, second!.process_id);
      assert.deepEqual(third!.metadata, { word: 'bye' });
      assert.equal(await askSample(third!), 'store 3 bye');
      assert.equal((await read(services, 'store', 99)).match(/^begins$/gm)?.length, 3);
      assert.equal((await lab.processes('server.mjs')).length, 1);
    }),
  );

  test(
    'tells that a service has died, and clears away what is left of it before it starts it again',
    within(async (lab) => {
      const services = await lab.open();
      const [store] = await services.up(BOTH, lab.options());
      await lab.place.kill(store!);
      await until(
        async () => (await statusOf(services, 'store')) === 'stopped',
        'a dead service is not told',
      );
      const [again] = await services.up(BOTH, lab.options());
      assert.deepEqual(
        { status: again!.status, restarts: again!.restarts, port: again!.port },
        { status: 'running', restarts: 1, port: store!.port },
      );
      assert.equal(await askSample(again!), 'store 2');
      for (const program of ['server.mjs', 'child'])
        assert.equal((await lab.processes(`store/${program}`)).length, 1, `not one ${program}`);
    }),
  );

  test(
    'leaves nothing of a start that fails halfway, and says why with the end of the log',
    within(async (lab) => {
      const services = await lab.open();
      const specs = [sampleSpec('store'), sampleSpec('board', { mood: 'broken' })];
      const orchestrator = new ServiceOrchestrator({
        ...{ environment: services, specs, plugin: samplePlugin, store: undefined },
      });
      await assert.rejects(orchestrator.up(lab.options()), (error: Error & { service?: string }) => {
        assert.equal(error.service, 'board');
        assert.match(error.message, /board: ended while starting[\s\S]*the disk of board is broken/);
        return true;
      });
      assert.deepEqual(await lab.processes(), []);
      assert.deepEqual(new Set((await services.inspect()).map(({ status }) => status)), new Set(['stopped']));
      const [store] = await services.up(BOTH, lab.options());
      assert.equal(await askSample(store!), 'store 2');
    }),
  );

  test(
    'calls off a start when it is asked to, and then ends what that has begun',
    within(async (lab) => {
      const services = await lab.open();
      const stop = new AbortController();
      const slow = [sampleSpec('store'), sampleSpec('board', { mood: 'slow' })];
      const going = services.up(slow, lab.options(stop.signal));
      going.catch(() => {});
      await until(async () => (await lab.processes('board/server.mjs')).length > 0, 'it does not start');
      assert.equal(await statusOf(await lab.open(), 'board'), 'starting');
      stop.abort(new Error('called off'));
      await assert.rejects(going, (error: Error) => {
        // It would give up by itself, too, minutes later.
        assert.notEqual(error.name, 'ServiceError');
        return true;
      });
      await services.down(NAMES, lab.options());
      assert.deepEqual(await lab.processes(), []);
    }),
  );

  test(
    'kills what does not end when it is asked to, and ends the others in order nevertheless',
    within(async (lab) => {
      const services = await lab.open();
      await services.up([sampleSpec('store'), sampleSpec('board', { mood: 'stubborn' })], lab.options());
      await services.down(NAMES, lab.options());
      assert.deepEqual(await lab.processes(), []);
      assert.ok((await endOf(services, 'store')) > 0);
    }),
  );

  test(
    'takes nothing for dead because the place does not answer, and starts no second set',
    within(async (lab) => {
      const services = await lab.open();
      const before = await services.up([sampleSpec('store')], lab.options());
      const speak = await lab.place.silence();
      assert.deepEqual(
        (await services.inspect()).map(({ name, status, host }) => ({ name, status, host })),
        before.map(({ name, host }) => ({ name, status: 'unknown', host })),
      );
      let tried = false;
      const going = services
        .up([sampleSpec('store')], { ...lab.options(), onProgress: () => (tried = true) })
        .catch(() => {})
        .finally(() => (tried = true));
      await until(async () => tried, 'up neither ends nor says that it waits');
      await speak();
      await going;
      assert.deepEqual(await services.up([sampleSpec('store')], lab.options()), before);
      assert.deepEqual(await services.inspect(), before);
      assert.equal(await askSample(before[0]!), 'store 1');
      assert.equal((await lab.processes('server.mjs')).length, 1);
    }),
  );

  test(
    'shows logs, also of what is dead, and follows them over starts',
    within(async (lab) => {
      const services = await lab.open();
      const [store] = await services.up([sampleSpec('store')], lab.options());
      await lab.place.kill(store!);
      await until(async () => (await statusOf(services, 'store')) === 'stopped', 'its death is not told');
      const whole = await read(services, 'store', 99);
      assert.match(whole, /^begins\nlistens\n/);
      const following = read(services, 'store', 99, (text) => text.split('listens').length > 2);
      await services.up([sampleSpec('store')], lab.options());
      const followed = await following;
      assert.ok(followed.startsWith(whole));
      assert.match(followed.slice(whole.length), /^begins\nlistens\n$/);
      assert.equal(await read(services, 'none', 9), '');
    }),
  );

  test(
    'keeps logs small while services run, and loses nothing of what they say afterwards',
    within(async (lab) => {
      const services = await lab.open();
      const specs = [sampleSpec('store')];
      const [store] = await services.up(specs, lab.options());
      const log = lab.place.folders.flatMap(filesIn).find((path) => store!.log.endsWith(path))!;
      appendFileSync(log, 'much\n'.repeat(4 * 2 ** 20));
      await until(async () => {
        await services.renew?.(specs, lab.options());
        return statSync(log).size === 0;
      }, 'a large log stays');
      await askSample(store!);
      assert.equal(await read(services, 'store', 99, (text) => text.includes('asked')), 'asked\n');
    }),
  );

  test(
    'shows secrets to nobody else: not in command lines, variables, progress, logs, handles or open files',
    within(async (lab) => {
      const { folders, visible = [] } = lab.place;
      const services = await lab.open();
      const handles = await services.up(BOTH, lab.options());
      const told = [
        await lab.place.run(['ps', '-A', '-ww', 'e', '-o', 'args']),
        ...(await Promise.all(visible.map((command) => lab.place.run(command)))),
        ...(await Promise.all(NAMES.map((name) => read(services, name, 99)))),
        JSON.stringify([handles, await services.inspect(), lab.progress]),
      ];
      assert.ok(told[0]!.includes('server.mjs'));
      for (const text of told) assert.ok(!text.includes(SAMPLE_SECRET), `a secret is shown: ${text}`);
      for (const { credentials } of handles)
        assert.equal(readFileSync(credentials!.file, 'utf8'), SAMPLE_SECRET);
      const secret = folders.flatMap(filesIn).filter((path) => readFileSync(path).includes(SAMPLE_SECRET));
      assert.ok(secret.length > 0);
      for (const path of secret) assert.equal(statSync(path).mode & 0o077, 0, `others can read ${path}`);
    }),
  );
}
