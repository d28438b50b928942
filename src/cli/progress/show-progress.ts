import { formatBytes } from '../../definition/format-bytes.js';
import type { CommandContext } from '../command.js';

/** Listeners that show how many bytes of an experiment, or of all of them, have been read. */
export function showProgress({ live }: Pick<CommandContext, 'live'>) {
  let current = '';
  return {
    onExperiment(id: string): void {
      current = `${id}: `;
    },
    onProgress(done: number, total: number): void {
      live.progress(() => {
        const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
        return `${current}${percent} % of ${formatBytes(total)}`;
      });
    },
  };
}
