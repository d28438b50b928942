import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Finished } from '../support/metalab.js';
import { ROOT } from '../support/metalab.js';

/** `nobody`, on Debian and elsewhere. */
const UID = 65534;

/** Only root can play another user. */
export const canPlayOtherUser = process.getuid?.() === 0;

/** Another user of this machine, with a folder, a home and processes of his own. */
export class OtherUser {
  readonly uid = UID;
  readonly folder = mkdtempSync(join(tmpdir(), 'metalab-other-user-'));
  readonly home = join(this.folder, 'home');
  readonly store = join(this.folder, 'store');
  /** A build that he can read. */
  readonly root: string;
  readonly #children = new Set<ChildProcess>();

  constructor() {
    chownSync(this.folder, UID, UID);
    chmodSync(this.folder, 0o755);
    this.root = readableByAll(ROOT) ? ROOT : this.#copyOf(ROOT);
    // What he writes can import what metalab imports.
    const modules = join(this.folder, 'node_modules');
    symlinkSync(join(this.root, 'node_modules'), modules);
    lchownSync(modules, UID, UID);
  }

  write(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    chownSync(path, UID, UID);
    return path;
  }

  metalab(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Finished> {
    return this.node([join(this.root, 'bin', 'metalab.js'), ...args], env);
  }

  /** Runs a program of Node's to its end, as this user. */
  async node(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Finished> {
    const own = { HOME: this.folder, METALAB_HOME: this.home, METALAB_STORE: this.store, NO_COLOR: '1' };
    const child = spawn(process.execPath, args, {
      uid: UID,
      gid: UID,
      cwd: this.folder,
      env: { PATH: process.env.PATH, ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#children.add(child);
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        this.#children.delete(child);
        resolve({ code, ...output });
      });
    });
  }

  /** Files in his folder that another user owns, such as one that did his work for him. */
  foreignFiles(folder = this.folder): string[] {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (path === join(this.folder, 'build')) return [];
      const isForeign = lstatSync(path, { throwIfNoEntry: false })?.uid !== UID;
      return [...(isForeign ? [path] : []), ...(entry.isDirectory() ? this.foreignFiles(path) : [])];
    });
  }

  async end(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await this.metalab(['engine', 'stop'], {});
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  /** Of a checkout in a folder that only its owner may enter. */
  #copyOf(root: string): string {
    const copy = join(this.folder, 'build');
    mkdirSync(copy);
    for (const name of ['bin', 'dist', 'package.json', 'node_modules'])
      cpSync(join(root, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
    return copy;
  }
}

function readableByAll(folder: string): boolean {
  const isOpen = (path: string) => (lstatSync(path).mode & 0o005) === 0o005;
  for (let path = folder.replace(/\/$/, ''); path !== ''; path = path.slice(0, path.lastIndexOf('/')))
    if (!isOpen(path)) return false;
  return true;
}
