import type { CommandDefinition } from '../../command.js';

export const loginCommand: CommandDefinition = {
  name: 'login',
  summary: "log in to an environment's gateway, when it asks for a password or code",
  description: `For gateways that ask for a password, a passphrase or a one-time code, and for hosts that are not known yet. The worker
keeps the connection, and asks here what the gateway asks; nothing of what you type is stored. Sweeps that wait for the
login go on.`,
  arguments: [{ name: 'name', description: 'environment' }],
  examples: [{ line: 'env login cluster', does: 'log in; sweeps that wait for it continue' }],
  async run({ name }, _options, context) {
    const [{ ProjectConfig }, { loginToEnvironment }, { createTerminalPrompter }] = await Promise.all([
      import('../../../config/project-config.js'),
      import('../../../client/environment/login-to-environment.js'),
      import('../../terminal/terminal-prompter.js'),
    ]);
    const config = await ProjectConfig.load();
    const place = await loginToEnvironment(config.resolve(name).environment, createTerminalPrompter());
    context.out(`logged in to ${place}`);
    return undefined;
  },
};
