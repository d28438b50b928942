import type { CommonOptions, OptionDefinition } from './command.js';

/** What commands that transfer experiments have. */
export interface TransferFlags extends CommonOptions {
  readonly experiment?: readonly string[];
  readonly artifacts?: boolean;
  readonly logs?: boolean;
}

export const SOME_EXPERIMENTS_OPTION: OptionDefinition = {
  flags: '--experiment <exp>',
  description: 'this experiment, by a prefix of its id; may be repeated (default: all of them)',
  repeatable: true,
};
export const NO_ARTIFACTS_OPTION: OptionDefinition = {
  flags: '--no-artifacts',
  description: 'without the bytes of artifacts; records still name them',
};
export const NO_LOGS_OPTION: OptionDefinition = {
  flags: '--no-logs',
  description: 'without the logs of runs',
};
