/**
 * What systems, editors and programs leave in folders without being asked: names of files or folders, each with what a
 * pattern has to contain so as to name it all the same.
 */
const LEFT_OUT: readonly { readonly name: RegExp; readonly named: string }[] = [
  { name: /^\.DS_Store$/, named: '.DS_Store' },
  { name: /^\._/, named: '._' },
  { name: /^(?:Thumbs|ehthumbs)\.db$/i, named: 'thumbs.db' },
  { name: /^desktop\.ini$/i, named: 'desktop.ini' },
  { name: /~$/, named: '~' },
  { name: /^\..*\.sw[a-p]$/, named: '.sw' },
  { name: /^\.nfs[0-9a-f]+$/, named: '.nfs' },
  { name: /^__pycache__$/, named: '__pycache__' },
  { name: /^\.ipynb_checkpoints$/, named: '.ipynb_checkpoints' },
  { name: /^\.git$/, named: '.git' },
];

/**
 * Whether a path is none of a folder's data by rule 2: a part of it is left out, and the pattern does not name that.
 *
 * @param path relative, with `/` between
 */
export function isLeftOut(path: string, pattern = ''): boolean {
  const asked = pattern.toLowerCase();
  return path
    .split('/')
    .some((part) =>
      LEFT_OUT.some(({ name, named }) => name.test(part) && !asked.includes(named.toLowerCase())),
    );
}
