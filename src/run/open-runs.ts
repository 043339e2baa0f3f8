import { Injectable } from '@nestjs/common';

/** A run that is under way. */
export interface OpenRun {
  abort(reason: Error): void;
  /** Settles, and never rejects, when the terminal event was told. */
  readonly closed: Promise<unknown>;
}

/** The runs that are under way, so that shutdown can wait for them. */
@Injectable()
export class OpenRuns {
  readonly #runs = new Set<OpenRun>();

  get size(): number {
    return this.#runs.size;
  }

  has(run: OpenRun): boolean {
    return this.#runs.has(run);
  }

  add(run: OpenRun): void {
    this.#runs.add(run);
  }

  delete(run: OpenRun): void {
    this.#runs.delete(run);
  }

  /** Waits until no run is under way, those included that begin meanwhile. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all([...this.#runs].map((run) => run.closed));
  }

  abortAll(reason: Error): void {
    for (const run of this.#runs) run.abort(reason);
  }
}
