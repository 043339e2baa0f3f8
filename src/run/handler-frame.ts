import type { FromCallback, RequestContext } from '../events/index.js';
import type { Circles, Handler } from '../registry/index.js';
import type { Frame } from './context-store.js';
import type { Run } from './run.js';

/** The place inside a handler: outside of any run, for the ears of all but the handler's own object. */
export class HandlerFrame implements Frame {
  readonly #run: Run;
  readonly #handler: Handler;

  constructor(run: Run, handler: Handler) {
    this.#run = run;
    this.#handler = handler;
  }

  get context(): RequestContext {
    return this.#run.context;
  }

  get circles(): Circles {
    return this.#run.circles.insideHandler(this.#handler.target);
  }

  get fromCallback(): FromCallback {
    return { runId: this.#run.runId, handler: this.#handler.name };
  }
}
