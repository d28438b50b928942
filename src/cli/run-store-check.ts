import { relative } from 'node:path';
import { MetalabError } from '../definition/errors.js';
import { formatBytes } from '../definition/format-bytes.js';
import { countOf } from '../definition/format-count.js';
import { METALAB_VERSION } from '../engine/version.js';
import { checkStore, nothingChecked } from '../storage/file/check/check-store.js';
import type { Checked, Finding } from '../storage/file/check/finding.js';
import type { FileStore } from '../storage/file/file-store.js';
import type { CommandContext, CommonOptions } from './command.js';
import { EXIT } from './format/report-error.js';

export interface CheckFlags extends CommonOptions {
  readonly repair?: boolean;
  readonly quick?: boolean;
}

type Shown = Omit<Finding, 'repair'> & { readonly repaired: string | null };

export async function runStoreCheck(options: CheckFlags, context: CommandContext): Promise<number> {
  const store = await context.store();
  const checked = nothingChecked();
  const shown: Shown[] = [];
  const check = async (alone: boolean) => {
    const { quick = false, repair = false } = options;
    const found = checkStore(store.root, { quick, alone, metalabVersion: METALAB_VERSION }, checked);
    for await (const { repair: mend, ...finding } of found) {
      const repaired = repair && mend ? await mend.run() : null;
      const one = { ...finding, path: relative(store.root, finding.path), repaired };
      shown.push(one);
      if (!options.json && (one.severity !== 'note' || options.verbose)) print(one, context);
    }
  };
  if (options.repair) await store.lease.during('metalab store check --repair', () => check(true));
  else await check(!(await isInUse(store)));
  const counts = countsOf(shown);
  if (counts.repaired > 0) await indexAgain(store, context);
  if (options.json) context.out(JSON.stringify({ store: store.uri, checked, counts, findings: shown }));
  else context.out(summary(checked, counts, context));
  return shown.some(({ severity, repaired }) => severity !== 'note' && repaired === null)
    ? EXIT.failure
    : EXIT.success;
}

/** A repair changes lines in place, which the index has read. */
async function indexAgain(store: FileStore, { note }: CommandContext): Promise<void> {
  if (!store.index) return;
  const { indexStore } = await import('../storage/postgresql/index-store.js');
  try {
    await indexStore(store, store.index, undefined, { rebuild: true });
  } catch (error) {
    if (!(error instanceof MetalabError)) throw error;
    note(`the index still has what was repaired: ${error.what}; later: metalab store index --rebuild`);
  }
}

/** Whether an engine uses the store: then temporary files may be in use. */
const isInUse = async (store: FileStore): Promise<boolean> => (await store.lease.read()) !== undefined;

function print(finding: Shown, { out, color, named }: CommandContext): void {
  const { severity, path, offset, what, costs, remedy, repaired } = finding;
  const style = { error: color.red, warning: color.yellow, note: color.dim }[severity];
  out(`${style(severity)} ${color.bold(path)}${offset === undefined ? '' : `, byte ${offset}`}: ${what}`);
  out(`  costs: ${costs}`);
  out(repaired === null ? `  next: ${named(remedy)}` : `  ${color.green('repaired:')} ${repaired}`);
}

const countsOf = (shown: readonly Shown[]) => ({
  errors: shown.filter(({ severity }) => severity === 'error').length,
  warnings: shown.filter(({ severity }) => severity === 'warning').length,
  notes: shown.filter(({ severity }) => severity === 'note').length,
  repaired: shown.filter(({ repaired }) => repaired !== null).length,
});

function summary(
  { experiments, submissions, segments, records, artifacts, bytes }: Checked,
  { errors, warnings, notes, repaired }: ReturnType<typeof countsOf>,
  { color }: CommandContext,
): string {
  const looked = [
    countOf(experiments, 'experiment'),
    countOf(submissions, 'submission'),
    countOf(segments, 'segment'),
    countOf(records, 'record'),
    countOf(artifacts, 'artifact'),
  ].join(', ');
  const clean = errors + warnings === 0;
  const found = clean
    ? color.green('nothing is wrong')
    : [
        ...(errors > 0 ? [color.red(countOf(errors, 'error'))] : []),
        ...(warnings > 0 ? [color.yellow(countOf(warnings, 'warning'))] : []),
        ...(repaired > 0 ? [color.green(`${repaired} repaired`)] : []),
      ].join(', ');
  const traces =
    notes > 0
      ? color.dim(` (${countOf(notes, 'harmless trace')}; -v shows ${notes === 1 ? 'it' : 'them'})`)
      : '';
  return `checked ${looked}, ${formatBytes(bytes)}: ${found}${traces}`;
}
