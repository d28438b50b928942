import { dirname } from 'node:path';
import { stateFolder } from '../../access/own-folders.js';
import { processIdentity, readEntry, readPath } from '../../access/read-path.js';
import {
  formatEntry,
  type Opening,
  openingsAbove,
  openingsIn,
  sharingGroup,
} from '../../access/strangers.js';
import { isTrustedStore } from '../../access/trusted-stores.js';
import { StoreError } from '../../definition/errors.js';
import { storeFault } from './faults.js';
import {
  bundleFile,
  bundleFolder,
  declarationFile,
  environmentFile,
  planFile,
  submissionFile,
  submissionFolder,
} from './layout.js';

const MAX_LISTED = 5;

/** What of a store is about to be used. */
export interface UsedFiles {
  /** The experiment's folder. */
  readonly folder: string;
  readonly submission?: string;
  /** Its SHA-256, as of the next. */
  readonly declaration?: string;
  readonly bundle?: string;
}

/** {@link refuseStrangers}, unless the user has declared the store trusted: `metalab store trust`. */
export const refuseUntrusted = (root: string, used?: UsedFiles): void =>
  refuseStrangers(root, used, (path) => isTrustedStore(stateFolder(), path));

/**
 * Refuses a store that strangers can change: what is in it is executed as this user.
 *
 * @param isTrusted whether the user has said that the store is trusted all the same: `metalab store trust`
 * @throws StoreError METALAB_STORE_UNSAFE, naming each path with its owner and mode, and how to mend it
 */
export function refuseStrangers(
  root: string,
  used: UsedFiles | undefined,
  isTrusted: (root: string) => boolean,
): void {
  const who = processIdentity();
  if (!who) return;
  let openings: Opening[];
  try {
    const way = readPath(root);
    const store = way.at(-1)!;
    const inside = pathsOf(used).flatMap((path) => readEntry(path) ?? []);
    openings = [...openingsIn([store, ...inside], who), ...openingsAbove(way.slice(0, -1), who, store.uid)];
    if (openings.length > 0 && !isTrusted(root))
      throw unsafe(root, openings, sharingGroup(store, who) !== undefined);
  } catch (error) {
    throw storeFault(error, (error as NodeJS.ErrnoException).path ?? root);
  }
}

function pathsOf(used: UsedFiles | undefined): string[] {
  if (!used) return [];
  const { folder, submission, declaration, bundle } = used;
  const paths = [folder];
  if (declaration) paths.push(...withFolder(declarationFile(folder, declaration)));
  if (bundle) paths.push(...withFolder(bundleFolder(folder, bundle)), bundleFile(folder, bundle));
  if (submission)
    paths.push(
      ...withFolder(submissionFolder(folder, submission)),
      ...[submissionFile, environmentFile, planFile].map((file) => file(folder, submission)),
    );
  return paths;
}

const withFolder = (path: string): string[] => [dirname(path), path];

function unsafe(root: string, openings: readonly Opening[], shared: boolean): StoreError {
  const told = openings.slice(0, MAX_LISTED).map(({ entry }) => `${entry.path} (${formatEntry(entry)})`);
  const more = openings.length > MAX_LISTED ? ` and ${openings.length - MAX_LISTED} more` : '';
  const kinds = new Set(openings.map(({ kind }) => kind));
  const path = openings.length === 1 ? openings[0]!.entry.path : root;
  const recursive = openings.length === 1 ? '' : '-R ';
  const mend = [];
  if (kinds.has('others')) mend.push(`chmod ${recursive}o-w '${path}'`);
  if (kinds.has('group')) mend.push(`chmod ${recursive}g-w '${path}'`);
  if (kinds.has('group') && !shared)
    mend.push(`chmod g+ws '${root}' where its group, with you in it, is to share the store`);
  mend.push(`metalab store trust --store '${root}' where you trust whoever can change it`);
  return new StoreError({
    code: 'METALAB_STORE_UNSAFE',
    where: root,
    what: `other users can change what metalab would execute from this store: ${told.join(', ')}${more}`,
    expected: 'a store that only you, root and, where it is shared by chmod g+ws, its group can write to',
    next: mend.join(', or '),
  });
}
