import type { CommandDefinition } from '../command.js';

export const initCommand: CommandDefinition = {
  name: 'init',
  summary: 'write a commented .metalab.toml',
  description: `Writes to the current folder; never overwrites a file. Adds .metalab.local.toml to .gitignore if there is one.`,
  examples: [{ line: 'init', does: 'metalab also works without the file' }],
  async run(_args, _options, context) {
    const { initProject } = await import('../../config/init-project.js');
    const { file, ignored } = await initProject(process.cwd());
    context.out(`wrote ${file}${ignored ? ', and .metalab.local.toml into .gitignore' : ''}`);
    context.out(
      context.named(
        '  next: edit it; metalab env list shows its environments, metalab env check NAME tries one',
      ),
    );
    return undefined;
  },
};
