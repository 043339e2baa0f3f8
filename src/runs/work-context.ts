import type { Run } from './run.js';

/** What a function gets besides its input, when it is run as a chain, a retrieval or a tool. */
export interface WorkContext {
  /** Fires when the run is aborted, by the application's shutdown for one: stop then. */
  readonly signal: AbortSignal;
  readonly runId: string;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const WorkContext: object = Object;

/** Signals and ids are made when somebody asks for them. */
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
