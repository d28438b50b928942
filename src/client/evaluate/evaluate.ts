import { fork } from 'node:child_process';
import { mkdir, realpath, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../../access/temporary-folder.js';
import {
  DefinitionError,
  InfrastructureError,
  MetalabError,
  type Problem,
  UsageError,
} from '../../definition/errors.js';
import type { ContextHasher } from '../../identity/files.js';
import { removeOrphans } from '../../storage/file/orphans.js';
import { TEMPORARY, temporaryName } from '../../storage/file/owner.js';
import { answerHashQuestion, type HashQuestion } from '../cluster/remote-hasher.js';
import type { Declared } from '../declare/declare.js';
import type { DeclaredDerivations } from '../declare/derivations.js';

export interface EvaluationRequest {
  /** Absolute path. */
  readonly file: string;
  readonly name: string | undefined;
  /** Whether its derivations are wanted, instead of an experiment. */
  readonly derivations?: boolean;
  /** The child's bundle folder. The parent creates and removes it, since the file may end the child at any point. */
  readonly folder: string;
}

export interface EvaluationReply {
  readonly declared?: Declared;
  readonly derivations?: DeclaredDerivations;
  readonly failure?: {
    readonly kind: 'definition' | 'usage' | 'place' | 'crash';
    readonly code: `METALAB_${string}`;
    readonly problems: Problem[];
  };
}

/**
 * Evaluates an experiment file in a child process, checks all of it, and returns it as data. What the file prints goes
 * to this process's stderr.
 *
 * @param cluster hashes the context's files on a cluster: the child has no connection
 * @throws DefinitionError, UsageError, depending on what is wrong with the file
 */
export async function evaluateFile(path: string, name?: string, cluster?: ContextHasher): Promise<Declared> {
  const { declared } = await evaluate(path, { name }, cluster);
  return declared!;
}

/**
 * Evaluates a file that exports derivations in a child process.
 *
 * @param name the experiment whose derivations are wanted, if the file declares several
 * @throws DefinitionError, UsageError, depending on what is wrong with the file
 */
export async function evaluateDerivations(path: string, name?: string): Promise<DeclaredDerivations> {
  const { derivations } = await evaluate(path, { name, derivations: true });
  return derivations!;
}

/** @returns a reply without failure */
async function evaluate(
  path: string,
  request: Pick<EvaluationRequest, 'name' | 'derivations'>,
  cluster?: ContextHasher,
): Promise<EvaluationReply> {
  const file = resolve(path);
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) {
    throw new DefinitionError(
      [
        {
          where: path,
          what: found ? 'is a folder' : 'there is no such file',
          expected: 'the path of an experiment file, e.g. experiment.ts',
          next: `looked for ${file}`,
        },
      ],
      'METALAB_NO_FILE',
    );
  }
  // Modules are known by their real paths.
  const reply = await evaluateIn({ ...request, file: await realpath(file) }, cluster);
  if (reply.declared || reply.derivations) return reply;
  const { failure } = reply;
  if (failure?.kind === 'definition') throw new DefinitionError(failure.problems, failure.code);
  const problem = failure?.problems[0] ?? { what: 'the evaluation process exited without a result' };
  if (failure?.kind === 'place') throw new InfrastructureError({ code: failure.code, ...problem });
  if (failure?.kind === 'usage') throw new UsageError({ code: failure.code, ...problem });
  throw new MetalabError({ code: 'METALAB_INTERNAL', ...problem });
}

async function evaluateIn(
  request: Omit<EvaluationRequest, 'folder'>,
  cluster: ContextHasher | undefined,
): Promise<EvaluationReply> {
  const folder = join(temporaryFolder(), `${TEMPORARY}${temporaryName()}`);
  await mkdir(folder, { mode: 0o700 });
  try {
    return await askChild({ ...request, folder }, cluster);
  } finally {
    await rm(folder, { recursive: true, force: true });
    // Left by command lines that were killed while they evaluated a file.
    await removeOrphans(temporaryFolder(), TEMPORARY);
  }
}

/** For programs that evaluate files without an environment. */
const NOWHERE_PROBLEM: Problem = { what: 'is on a cluster, but no environment is chosen that names one' };
const NOWHERE: ContextHasher = {
  hashAll: async (paths) => paths.map(() => NOWHERE_PROBLEM),
  hashDir: async (path) => ({ path, content_hash: '', files: [], hashed: [], problems: [NOWHERE_PROBLEM] }),
};

function askChild(request: EvaluationRequest, cluster: ContextHasher = NOWHERE): Promise<EvaluationReply> {
  return new Promise((resolveReply, reject) => {
    const program = fileURLToPath(new URL('evaluate-main.js', import.meta.url));
    // stdout is for the command's own output: what the file prints goes to stderr.
    const child = fork(program, [], {
      stdio: ['ignore', 2, 2, 'ipc'],
      serialization: 'advanced',
      execArgv: [],
    });
    let reply: EvaluationReply | undefined;
    child.on('message', (message: EvaluationReply | HashQuestion) => {
      if (!('question' in message)) reply = message;
      else
        answerHashQuestion(message, cluster).then(
          (answer) => child.connected && child.send(answer),
          (error: unknown) => {
            child.kill();
            reject(error);
          },
        );
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (reply) return resolveReply(reply);
      const how = signal ? `was ended by ${signal}` : `called process.exit(${code})`;
      const what = `the file ${how} while it was evaluated`;
      resolveReply({
        failure: {
          kind: 'definition',
          code: 'METALAB_EVALUATION',
          problems: [
            {
              where: request.file,
              what,
              expected: 'a file that only declares experiments',
              next: signal
                ? 'find out what takes so much memory, e.g. an endless list of params'
                : 'take the call out of its top level',
            },
          ],
        },
      });
    });
    child.send(request);
  });
}
