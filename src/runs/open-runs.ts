import { Injectable } from '@nestjs/common';

/** An active run, as shutdown sees it. */
export interface OpenRun {
  /** The run and its parent. */
  readonly run: {
    readonly runId: string;
    readonly parentRunId: string | undefined;
    readonly ended: boolean;
  };
  abort(reason: Error): void;
  /** Aborts the run, and ends it even if its work continues. */
  giveUp(reason: Error): void;
  /** Settles, and never rejects, when the terminal event was dispatched. */
  readonly closed: Promise<unknown>;
}

/** The active runs, so that shutdown can wait for them. */
@Injectable()
export class OpenRuns {
  readonly #runs = new Set<OpenRun>();
  readonly #givenUp = new WeakSet<OpenRun>();

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

  /** Waits until no run is active, including runs that start meanwhile. */
  async idle(): Promise<void> {
    while (this.#runs.size > 0) await Promise.all([...this.#runs].map((run) => run.closed));
  }

  abortAll(reason: Error): void {
    for (const run of this.#runs) run.abort(reason);
  }

  /**
   * Gives up the runs without an open child, so that their parents can end. Returns them; empty if all open runs have
   * emitted their terminal event, or were given up before.
   */
  giveUpInnermost(reason: Error): readonly OpenRun[] {
    const open = [...this.#runs].filter((one) => !one.run.ended && !this.#givenUp.has(one));
    const around = new Set(open.map(({ run }) => run.parentRunId));
    const innermost = open.filter(({ run }) => !around.has(run.runId));
    for (const one of innermost) {
      this.#givenUp.add(one);
      one.giveUp(reason);
    }
    return innermost;
  }
}
