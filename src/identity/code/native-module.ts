/**
 * A module that stands for a package with native code: it requires the package where the bundle runs, from the working
 * directory, which is the experiment file's folder. So no path of this machine is in the bundle.
 *
 * @param via the package that imports it, where it is no import of the user's own: it may have another version of it
 */
export function nativeModule(specifier: string, via: string | undefined): string {
  const wanted = JSON.stringify(specifier);
  const direct = `fromExperiment(${wanted})`;
  const nested = `createRequire(fromExperiment.resolve(${JSON.stringify(via)}))(${wanted})`;
  return [
    `const { createRequire } = require('node:module');`,
    `const fromExperiment = createRequire(require('node:path').join(process.cwd(), 'package.json'));`,
    via === undefined
      ? `module.exports = ${direct};`
      : `let found; try { found = ${nested}; } catch { found = ${direct}; }\nmodule.exports = found;`,
  ].join('\n');
}
