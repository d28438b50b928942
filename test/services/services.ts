import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import { type Finished, metalab, type RunOptions } from '../support/metalab.js';

/** What `metalab services … --json` prints. */
export interface ServicesJson {
  readonly project: string;
  readonly environment: string;
  readonly store: string | null;
  readonly problem?: string | null;
  readonly services: readonly {
    readonly name: string;
    readonly status: string;
    readonly host: string;
    readonly port: number;
    readonly restarts: number;
    /** null: it is in no job. */
    readonly job_remaining_ms: number | null;
    readonly log: string;
    readonly process_id: { readonly pid: number } | null;
    readonly credentials: { readonly user: string; readonly file: string } | null;
  }[];
}

export interface ServicesFinished extends Finished {
  readonly json: ServicesJson | undefined;
}

/** Runs `metalab services …` with `--json`. */
export async function services(args: readonly string[], options: RunOptions): Promise<ServicesFinished> {
  const finished = await metalab(['services', ...args, '--json'], options);
  const json = finished.stdout.startsWith('{') ? (JSON.parse(finished.stdout) as ServicesJson) : undefined;
  return { ...finished, json };
}

export const serviceIn = (json: ServicesJson | undefined, name: string) =>
  json!.services.find((service) => service.name === name)!;

/** Command lines of processes that contain all these texts, with their pids. */
export function processesWith(
  ...texts: readonly string[]
): { readonly pid: number; readonly args: string }[] {
  return execFileSync('ps', ['-A', '-ww', '-o', 'pid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null)
    .map(([, pid, stat, args]) => ({ pid: Number(pid), stat: stat!, args: args! }))
    .filter(({ stat, args }) => !stat.startsWith('Z') && texts.every((text) => args.includes(text)));
}

/** A process and its children, by pid. */
export function processTree(pid: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const children = rows
    .map((row) => row.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid);
  return [pid, ...children.map(([child]) => child!)];
}

/** Says a line to a service, and returns its answer. */
export function tell(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(line));
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.on('error', reject).on('close', () => resolve(answer));
  });
}
