import type { Run } from './run.js';

/** The second argument of a function that runs as a chain, a retrieval or a tool. */
export interface WorkContext {
  /** Fires when the run is aborted, for example by the application's shutdown: stop then. */
  readonly signal: AbortSignal;
  readonly runId: string;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const WorkContext: object = Object;

/** Creates signals and ids on first use. */
export class LazyContext implements WorkContext {
  readonly #run: Run;

  constructor(run: Run) {
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get runId(): string {
    return this.#run.runId;
  }
}
