import { colorsFor } from '../terminal/context.js';
import type { LiveArea } from '../terminal/live-area.js';
import { type ProgressView, progressLines, progressText } from './lines.js';
import { formatStatus } from './status.js';

/** Interval of the status lines without a terminal. A change of state is printed immediately. */
const PLAIN_EVERY_MS = 10_000;
/** A sweep that ends sooner prints only its outcome. */
const PLAIN_AFTER_MS = 2_000;

interface Display {
  show(view: ProgressView): Promise<void>;
  clear(): void;
}

export const createProgressView = (live: LiveArea): Display =>
  live.isTerminal ? liveView(live) : plainView(live);

function liveView(live: LiveArea): Display {
  const color = colorsFor(process.stderr, process.env);
  return {
    show: (view) => live.show(progressLines(view, color, live.columns).join('\n')),
    clear: () => live.clear(),
  };
}

function plainView(live: LiveArea): Display {
  let shownAt = Number.NEGATIVE_INFINITY;
  let shownState: string | undefined;
  return {
    async show(view) {
      const { state } = view.status;
      const isNews = formatStatus(view.status) !== undefined && state !== shownState;
      const now = performance.now();
      if (!isNews && (now - shownAt < PLAIN_EVERY_MS || view.elapsedMs < PLAIN_AFTER_MS)) return;
      shownAt = now;
      shownState = state;
      live.above(`${progressText(view)}\n`);
    },
    clear() {},
  };
}
