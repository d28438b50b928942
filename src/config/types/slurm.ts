import { homedir } from 'node:os';
import { z } from 'zod';
import type { Problem } from '../../definition/errors.js';
import type { EnvironmentType } from '../environment-type.js';
import { factor, gpus, mailType, memory, options, seconds, text, texts, wholeNumber } from '../fields.js';
import type { GatewayConfig, SlurmExecutorConfig } from '../resolved-config.js';

const HOST = /^([^\s@/:]+@)?[^\s@/]+$/;
const HOST_EXPECTATION =
  "a host, or an alias of ~/.ssh/config, such as 'login.cluster.edu' or 'me@login.cluster.edu'";
const FILE_ROOT_EXPECTATION =
  "a folder on the cluster's shared filesystem, absolute or in its home: '/scratch/me/metalab', '~/metalab'";

const executor = z.strictObject(
  {
    partition: text().optional(),
    account: text().optional(),
    qos: text().optional(),
    time: seconds.optional(),
    cpus: wholeNumber(1).optional(),
    memory: memory.optional(),
    gpus: gpus.optional(),
    constraint: text().optional(),
    max_concurrent: wholeNumber(1).optional(),
    chunk_size: wholeNumber(1).optional(),
    max_array_size: wholeNumber(1).optional(),
    modules: texts().optional(),
    conda_env: text().optional(),
    setup: texts('shell lines: a text, or an array of texts').optional(),
    extra_sbatch: options.optional(),
    mail_user: text('an e-mail address').optional(),
    mail_type: mailType.optional(),
    escalate: z
      .strictObject(
        { memory: factor.optional(), time: factor.optional(), max: wholeNumber(0).optional() },
        { error: 'a table such as { memory = 2.0, time = 2.0, max = 2 }' },
      )
      .optional(),
  },
  { error: 'a table' },
);

const schema = z.strictObject({
  // Always quoted when used: a `$` in it would be part of a folder's name.
  file_root: text(FILE_ROOT_EXPECTATION).regex(/^(\/|~\/|~$)[^$\n]*$/, { error: FILE_ROOT_EXPECTATION }),
  gateway: text(HOST_EXPECTATION).regex(HOST, { error: HOST_EXPECTATION }).optional(),
  user: text('a login name').optional(),
  port: wholeNumber(1, 65_535).optional(),
  ssh_key: text('a path of a private key').optional(),
  jump_hosts: texts('hosts to go through, first to last').optional(),
  executor: executor.optional(),
});

export type SlurmSettings = typeof schema;
type Settings = z.infer<SlurmSettings>;

/** A Slurm cluster: reached through a gateway, or directly if `sbatch` is on this machine. */
export const slurm: EnvironmentType<Settings> = {
  schema,
  paths: ['ssh_key'],
  defaults: {
    gateway: 'none: sbatch is on this machine',
    'executor.max_concurrent': 'as many as the cluster lets run',
    'executor.chunk_size': 'as many as the time limit allows',
    'executor.max_array_size': "1000, or the cluster's MaxArraySize if that is lower",
    'executor.escalate': 'none',
  },
  check: checkGateway,
  resolve(common, settings) {
    const gateway = resolveGateway(settings);
    const { file_root: path } = settings;
    // Commands on a gateway start in the login's home.
    const file_root = gateway ? path.replace(/^~\/*/, '') || '.' : path.replace(/^~/, homedir);
    return {
      ...common,
      type: 'slurm',
      file_root,
      ...(gateway ? { gateway } : {}),
      executor: resolveExecutor(settings.executor ?? {}),
    };
  },
};

function checkGateway({ gateway, user, port, ssh_key, jump_hosts }: Settings): Problem[] {
  const login = gateway?.includes('@') ? gateway.split('@')[0] : undefined;
  if (gateway !== undefined) {
    if (user === undefined || login === undefined || user === login) return [];
    return [{ where: 'user', what: `is "${user}", and gateway says "${login}"`, expected: 'one of them' }];
  }
  return Object.entries({ user, port, ssh_key, jump_hosts })
    .filter(([, value]) => value !== undefined)
    .map(([where]) => ({
      where,
      what: 'says how to reach a gateway, and there is none',
      next: `add gateway = "…", or take ${where} out`,
    }));
}

function resolveGateway({ gateway, user, port, ssh_key, jump_hosts }: Settings): GatewayConfig | undefined {
  if (gateway === undefined) return undefined;
  const [host = gateway, login] = gateway.split('@').reverse();
  const name = user ?? login;
  return {
    host,
    ...(name === undefined ? {} : { user: name }),
    ...(port === undefined ? {} : { port }),
    ...(ssh_key === undefined ? {} : { ssh_key }),
    jump: jump_hosts ?? [],
  };
}

function resolveExecutor({
  time: time_s,
  memory: memory_bytes,
  modules = [],
  setup = [],
  extra_sbatch = [],
  escalate,
  ...others
}: NonNullable<Settings['executor']>): SlurmExecutorConfig {
  return {
    ...others,
    ...(time_s === undefined ? {} : { time_s }),
    ...(memory_bytes === undefined ? {} : { memory_bytes }),
    modules,
    setup,
    extra_sbatch,
    // If only one factor is given, only that resource grows.
    ...(escalate ? { escalate: { memory: 1, time: 1, max: 2, ...escalate } } : {}),
  };
}
