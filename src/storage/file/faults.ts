import { StoreError } from '../../definition/errors.js';

const WORDINGS: {
  readonly [code: string]: {
    readonly what: string;
    readonly next: string;
    readonly code: `METALAB_${string}`;
  };
} = {
  ENOSPC: {
    code: 'METALAB_STORE_FULL',
    what: 'the disk is full',
    next: 'make room there, or name another store with --store',
  },
  EDQUOT: {
    code: 'METALAB_STORE_FULL',
    what: 'the disk quota is used up',
    next: 'make room there, or name another store with --store',
  },
  EACCES: {
    code: 'METALAB_STORE_UNWRITABLE',
    what: 'permission denied',
    next: 'give yourself access to it, or name another store with --store',
  },
  EPERM: {
    code: 'METALAB_STORE_UNWRITABLE',
    what: 'permission denied',
    next: 'give yourself access to it, or name another store with --store',
  },
  EROFS: {
    code: 'METALAB_STORE_UNWRITABLE',
    what: 'the filesystem is read-only',
    next: 'name a store that can be written with --store',
  },
  ENOTDIR: {
    code: 'METALAB_STORE_NOT_A_FOLDER',
    what: 'a part of the path is a file, not a folder',
    next: 'name another store with --store',
  },
};

/** The system's error code, such as `ENOENT`, where the thrown value has one. */
export function faultCode(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What the filesystem threw, in metalab's words, naming the path. What is worded already stays as it is. */
export function storeFault(thrown: unknown, path: string): Error {
  const wording = WORDINGS[faultCode(thrown) ?? ''];
  if (wording) return new StoreError({ ...wording, where: path }, { cause: thrown });
  if (thrown instanceof StoreError || !faultCode(thrown))
    return thrown instanceof Error ? thrown : new Error(String(thrown));
  return new StoreError(
    {
      code: 'METALAB_STORE_IO',
      where: path,
      what: (thrown as Error).message,
      next: 'check the disk and its mount, then try again',
    },
    { cause: thrown },
  );
}
