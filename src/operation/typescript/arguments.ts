import type { JsonObject } from '../../definition/json.js';
import type { RunArguments, RunRuntime } from '../../definition/run-arguments.js';
import type { Seeds } from '../../definition/seeds.js';
import type { RunSink } from '../run-sink.js';
import { RunCapture } from './capture.js';

/** What the runner can give a run. Every method is called when the operation reads the argument, and not before. */
export interface ArgumentSource {
  readonly runId: string;
  readonly sink: RunSink;
  /** The run has ended: code of it that still runs can't capture anything. */
  readonly closed: boolean;
  params(): JsonObject;
  seeds(): Seeds;
  context(): unknown;
  runtime(): RunRuntime;
}

/** The operation's one argument. Getters on the prototype: an argument that an operation does not use is never created. */
export class LazyArguments implements RunArguments {
  readonly #source: ArgumentSource;
  #capture: RunCapture | undefined;

  constructor(source: ArgumentSource) {
    this.#source = source;
  }

  get params(): JsonObject {
    return this.#source.params();
  }

  get seeds(): Seeds {
    return this.#source.seeds();
  }

  get context(): unknown {
    return this.#source.context();
  }

  get capture(): RunCapture {
    if (!this.#capture) {
      this.#capture = new RunCapture(this.#source.runId, this.#source.sink);
      if (this.#source.closed) this.#capture.close();
    }
    return this.#capture;
  }

  get runtime(): RunRuntime {
    return this.#source.runtime();
  }

  /** What was captured; undefined if the operation never read `capture`. */
  static captured(args: LazyArguments): RunCapture | undefined {
    return args.#capture;
  }
}
