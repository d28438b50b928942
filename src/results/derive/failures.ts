/** Why a derivation has no metrics, and for how many runs. */
export interface DeriveFailure {
  readonly derivation: string;
  readonly message: string;
  readonly runs: number;
  /** One of them. */
  readonly run_id: string;
}

/** Counts failures by derivation and message. */
export class FailureCounter {
  readonly #failures = new Map<string, DeriveFailure>();

  add({ derivation, message, run_id }: Omit<DeriveFailure, 'runs'>): void {
    const key = `${derivation} ${message}`;
    const known = this.#failures.get(key) ?? { derivation, message, runs: 0, run_id };
    this.#failures.set(key, { ...known, runs: known.runs + 1 });
  }

  /** The most frequent first. */
  list(): DeriveFailure[] {
    return [...this.#failures.values()].sort((a, b) => b.runs - a.runs);
  }
}
