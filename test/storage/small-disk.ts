import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { type Finished, ROOT } from '../support/metalab.js';
import type { Project } from '../support/project.js';
import { apart } from '../support/test-server.js';

const run = promisify(execFile);

/**
 * A disk that is soon full: a tmpfs in the project's folder. Who is not root has it in a namespace of his own, and metalab
 * with all its processes in there too. With an engine of its own, and everything ended after the test.
 */
export class SmallDisk {
  readonly folder: string;
  /** Of an engine of its own. */
  readonly #env: NodeJS.ProcessEnv;
  /** Comes before a command's name. */
  readonly #inside: readonly string[];
  /** Where this process sees the folder. */
  readonly #seen: string;

  static async mount(project: Project, mebibytes: number): Promise<SmallDisk> {
    const folder = project.path('disk');
    mkdirSync(folder);
    const env = await apart(project.path('home'));
    const mount = ['mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder];
    if (process.getuid?.() === 0) {
      await run(mount[0]!, mount.slice(1));
      onTestFinished(() => run('umount', ['--lazy', folder]).then(() => {}));
      return new SmallDisk(env, folder, [], folder);
    }
    const holder = spawn(
      'unshare',
      ['--map-root-user', '--mount', 'sh', '-c', '"$@" && echo mounted && exec sleep 600', 'sh', ...mount],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    onTestFinished(() => void holder.kill());
    await once(holder.stdout, 'data');
    const inside = ['nsenter', '--preserve-credentials', '--user', '--mount', '--target', String(holder.pid)];
    return new SmallDisk(env, folder, inside, `/proc/${holder.pid}/root${folder}`);
  }

  private constructor(env: NodeJS.ProcessEnv, folder: string, inside: readonly string[], seen: string) {
    this.folder = folder;
    this.#env = env;
    this.#inside = inside;
    this.#seen = seen;
    onTestFinished(() => this.metalab(['engine', 'stop']).then(() => {}));
  }

  get store(): string {
    return join(this.folder, 'store');
  }

  /** Takes room, as others do: so many MiB, or all that there is. */
  fill(mebibytes = 1024): void {
    try {
      writeFileSync(join(this.#seen, 'others'), Buffer.alloc(mebibytes * 1024 * 1024));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }

  free(): void {
    rmSync(join(this.#seen, 'others'));
  }

  /** Runs the built program where the disk is. @param options.cwd default: metalab's own folder, with the store on the disk */
  async metalab(args: readonly string[], { cwd }: { readonly cwd?: string } = {}): Promise<Finished> {
    const [command, ...rest] = [...this.#inside, process.execPath, join(ROOT, 'bin', 'metalab.js'), ...args];
    const store = cwd === undefined ? { METALAB_STORE: this.store } : {};
    const env = { ...process.env, NO_COLOR: '1', ...this.#env, ...store };
    const finished = run(command!, rest, { env, cwd: cwd ?? ROOT, maxBuffer: 64 * 1024 * 1024 });
    return finished.then(
      ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
      ({ code, stdout, stderr }: Finished) => ({ code, stdout, stderr }),
    );
  }

  async json<T>(args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await this.metalab([...args, '--json']);
    if (code !== 0) throw new Error(`metalab ${args.join(' ')}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }
}
