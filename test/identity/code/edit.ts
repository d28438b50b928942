import { closureIn, type Files, makeProject, PROJECT, type Where } from './project.js';

/** What an edit is, and on top of what: the files before are {@link PROJECT} with `given`, after it with `edit` too. */
export interface Edit {
  readonly name: string;
  readonly given?: Files;
  readonly edit?: Files;
  readonly before?: Where;
  readonly after?: Where;
}

export const EXP = PROJECT['exp.ts'] as string;
export const STATS = PROJECT['stats.ts'] as string;

export const inExp = (...changes: [string, string][]): Files => ({ 'exp.ts': replaceAll(EXP, changes) });

export function replaceAll(text: string, changes: readonly [string, string][]): string {
  return changes.reduce((result, [from, to]) => {
    if (!result.includes(from)) throw new Error(`the fixture has no ${from}`);
    return result.replace(from, to);
  }, text);
}

/** The operation in a file of its own, with whatever stands before it. */
export const alone = (before: string, body = 'return 1;'): Files => ({
  'exp.ts': `import { operation, experiment, grid } from 'metalab';\n${before}\nexport const op = operation(() => { ${body} });\n`,
});

/** The code's fingerprint before and after an edit, in two folders. */
export async function fingerprintsOf({
  given = {},
  edit = {},
  before,
  after,
}: Edit): Promise<[string, string]> {
  const first = await closureIn(makeProject(PROJECT, given), before);
  const second = await closureIn(makeProject(PROJECT, given, edit), after);
  return [first.fingerprint, second.fingerprint];
}
