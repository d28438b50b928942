import { spawn } from 'node:child_process';
import { mkdir, symlink } from 'node:fs/promises';
import { type Finished, ROOT } from '../support/metalab.js';
import { Project } from '../support/project.js';

/** A folder with these modules, in which `metalab` is the built package, as after `npm install`. */
export async function scriptsWith(files: { readonly [name: string]: string }): Promise<Project> {
  const project = new Project();
  await project.write(files);
  await mkdir(project.path('node_modules'));
  await symlink(ROOT, project.path('node_modules/metalab'));
  return project;
}

/** Runs a script to its end, which has to come by itself. */
export function runScript(project: Project, name: string, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [name], {
      cwd: project.folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 330_000,
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      output.stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...output }));
  });
}

/** What a script printed as JSON, line by line. */
export async function runForLines<T>(project: Project, name: string, env?: NodeJS.ProcessEnv): Promise<T[]> {
  const { code, stdout, stderr } = await runScript(project, name, env);
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${stderr}`);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}
