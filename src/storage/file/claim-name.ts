import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../../definition/errors.js';
import { faultCode } from './faults.js';
import { isGone, ownerName } from './owner.js';

const LOOK_EVERY_MS = 20;
/** The holder of a claim has a single rename to do. */
const PATIENCE_MS = 10_000;

/**
 * Gives a finished file its name where no file has it yet, on filesystems without hard links, where no single call does
 * both. Whoever creates the claim may rename. A claim is never broken by its age: a process that was only asleep
 * would rename later, over the winner. Where its holder is known to be dead, the next number is the claim.
 *
 * @param rename gives the file its name
 * @returns whether it was this one that got the name
 * @throws StoreError where a claim stays, and nothing is known of its holder
 */
export async function claimName(path: string, rename: () => Promise<void>): Promise<boolean> {
  const end = performance.now() + PATIENCE_MS;
  for (let number = 0; ; ) {
    const claim = claimFile(path, number);
    if (await create(claim)) {
      const first = await renameUnlessTaken(path, rename).catch(async (error: unknown) => {
        await rm(claim, { force: true });
        throw error;
      });
      // Not before the file is there: whoever makes a claim from here on finds it.
      for (let done = number; done >= 0; done--) await rm(claimFile(path, done), { force: true });
      return first;
    }
    if (await exists(path)) return false;
    const holder = await readFile(claim, 'utf8').catch(unlessMissing);
    if (holder !== undefined && holder !== '' && isGone(holder)) number++;
    else if (performance.now() > end) throw claimStays(path, claim);
    else await sleep(LOOK_EVERY_MS);
  }
}

/** Hidden, and named as something temporary: `store check --repair` removes those that were left. */
const claimFile = (path: string, number: number) =>
  join(dirname(path), `.${basename(path)}.claim-${number}.tmp`);

async function renameUnlessTaken(path: string, rename: () => Promise<void>): Promise<boolean> {
  if (await exists(path)) return false;
  await rename();
  return true;
}

async function create(claim: string): Promise<boolean> {
  try {
    await writeFile(claim, ownerName(), { flag: 'wx' });
    return true;
  } catch (error) {
    if (faultCode(error) === 'EEXIST') return false;
    throw error;
  }
}

const exists = (path: string) => stat(path).then(() => true, unlessMissing);

function unlessMissing(error: unknown): undefined {
  if (faultCode(error) !== 'ENOENT') throw error;
}

const claimStays = (path: string, claim: string) =>
  new StoreError({
    code: 'METALAB_STORE_IO',
    where: path,
    what: `another process began to write it and did not finish: it left ${claim}`,
    next: `where no metalab is using the store, remove ${claim}`,
  });
