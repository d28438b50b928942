import { type Duration, parseDuration } from '../../definition/duration.js';
import type { Problem } from '../../definition/errors.js';
import { type MemorySize, MIB, parseMemorySize } from '../../definition/memory-size.js';
import { unknownName } from '../../definition/refuse.js';
import { parseGpus, type ResourceRequest, type Resources } from '../../definition/resources.js';
import { show } from './show.js';

interface Field {
  readonly expected: string;
  /** @returns what the declaration keeps of a value; undefined if it is none */
  read(value: unknown): Resources | undefined;
}

const text = (field: 'partition' | 'account' | 'qos' | 'constraint'): Field => ({
  expected: 'a text',
  read: (value) => (typeof value === 'string' && value !== '' ? { [field]: value } : undefined),
});

const FIELDS: { readonly [field in keyof Required<ResourceRequest>]: Field } = {
  partition: text('partition'),
  account: text('account'),
  qos: text('qos'),
  time: {
    expected: "a duration such as '2h', '01:30:00' or '1-12:00:00', or milliseconds, from a second",
    read: (value) => {
      const ms = isScalar(value) ? parseDuration(value) : undefined;
      return ms !== undefined && ms >= 1_000 ? { time_s: Math.ceil(ms / 1_000) } : undefined;
    },
  },
  cpus: {
    expected: 'a whole number from 1',
    read: (value) =>
      Number.isSafeInteger(value) && Number(value) >= 1 ? { cpus: Number(value) } : undefined,
  },
  memory: {
    expected: "an amount such as '32G', or bytes, from a mebibyte",
    read: (value) => {
      const bytes = isScalar(value) ? parseMemorySize(value) : undefined;
      return bytes !== undefined && bytes >= MIB ? { memory_bytes: bytes } : undefined;
    },
  },
  gpus: {
    expected: "a whole number, or one with their kind such as 'a100:2'",
    read: (value) => {
      const gpus = parseGpus(value);
      return gpus === undefined ? undefined : { gpus };
    },
  },
  constraint: text('constraint'),
};

const isScalar = (value: unknown): value is Duration & MemorySize =>
  typeof value === 'number' || typeof value === 'string';

const isField = (name: string): name is keyof ResourceRequest => Object.hasOwn(FIELDS, name);

export function checkResources(resources: unknown): Problem[] {
  if (resources === undefined) return [];
  if (typeof resources !== 'object' || resources === null || Array.isArray(resources)) {
    const expected = "an object such as { gpus: 1, memory: '32G', time: '2h' }";
    return [{ where: 'resources', what: `is ${show(resources)}`, expected }];
  }
  return Object.entries(resources).flatMap(([name, value]): Problem[] => {
    const where = `resources.${name}`;
    if (!isField(name)) return [unknownName(where, 'is not a resource', name, Object.keys(FIELDS))];
    const { read, expected } = FIELDS[name];
    if (value === undefined || read(value)) return [];
    return [{ where, what: `is ${show(value)}`, expected }];
  });
}

export function declareResources(resources: ResourceRequest): Resources {
  const read = Object.entries(resources).map(([name, value]) =>
    isField(name) ? FIELDS[name].read(value) : {},
  );
  return Object.assign({}, ...read) as Resources;
}
