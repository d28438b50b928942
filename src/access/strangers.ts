/** A file, folder or link, as the system reports it. */
export interface Entry {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  /** Permission bits, including setuid, setgid and sticky. 0 for a symbolic link, whose bits have no meaning. */
  readonly mode: number;
}

/** The user: of this process, or of the login on a cluster. */
export interface Identity {
  readonly uid: number;
  readonly gids: readonly number[];
  /** The uid that root's files have in a container without root (Apptainer, rootless Docker), if it is not 0. */
  readonly rootUid?: number;
}

/** One way in which another user can change what is at a path. */
export interface Opening {
  readonly entry: Entry;
  readonly kind: 'owner' | 'group' | 'others';
}

const WRITABLE_BY_GROUP = 0o020;
const WRITABLE_BY_OTHERS = 0o002;
const SETGID = 0o2000;
const STICKY = 0o1000;
const ROOT = 0;

const isRoot = (uid: number, who: Identity) => uid === ROOT || uid === who.rootUid;

/**
 * The group that shares a folder on purpose: it may write there, new files become the group's (`chmod g+ws`), and this user is
 * a member.
 */
export const sharingGroup = (folder: Entry, who: Identity): number | undefined =>
  folder.mode & WRITABLE_BY_GROUP && folder.mode & SETGID && who.gids.includes(folder.gid)
    ? folder.gid
    : undefined;

/**
 * How strangers could change a folder or what is in it. This user and root are no strangers, nor is the folder's group
 * if the folder is shared on purpose.
 *
 * @param entries the folder first, then the files and folders in it that are used
 */
export function openingsIn(entries: readonly Entry[], who: Identity): Opening[] {
  const shared = entries[0] && sharingGroup(entries[0], who);
  return entries.flatMap((entry): Opening[] => {
    const { uid, gid, mode } = entry;
    const isShared = shared !== undefined && gid === shared;
    if (uid !== who.uid && !isRoot(uid, who) && !isShared) return [{ entry, kind: 'owner' }];
    if (mode & WRITABLE_BY_OTHERS) return [{ entry, kind: 'others' }];
    if (mode & WRITABLE_BY_GROUP && !isShared && !isPrivateGroup(entry)) return [{ entry, kind: 'group' }];
    return [];
  });
}

/**
 * How strangers could replace a path by means of the folders above it. Groups of which this user is a member may write
 * there, and everybody if the sticky bit keeps users from moving files of others, as in /tmp.
 *
 * @param owner the owner of the path's target, who may also own folders above it
 */
export function openingsAbove(entries: readonly Entry[], who: Identity, owner: number): Opening[] {
  return entries.flatMap((entry): Opening[] => {
    const { uid, gid, mode } = entry;
    if (uid !== who.uid && !isRoot(uid, who) && uid !== owner) return [{ entry, kind: 'owner' }];
    if (mode & STICKY) return [];
    if (mode & WRITABLE_BY_OTHERS) return [{ entry, kind: 'others' }];
    if (mode & WRITABLE_BY_GROUP && !who.gids.includes(gid) && gid !== ROOT)
      return [{ entry, kind: 'group' }];
    return [];
  });
}

/** Debian and Fedora give each user a group with the user's number, which may write. */
const isPrivateGroup = ({ uid, gid }: Entry): boolean => uid === gid;

/** `owner uid 1001, group 100, mode 0777`. */
export const formatEntry = ({ uid, gid, mode }: Entry): string =>
  `owner uid ${uid}, group ${gid}, mode ${mode.toString(8).padStart(4, '0')}`;
