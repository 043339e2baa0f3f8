import type { FromCallback, RequestContext, RunInfo } from '../events/run-info.js';
import type { HandlerScope } from '../handlers/handler-scope.js';
import type { Handler } from '../handlers/handler.js';
import type { Frame, VisibleRun } from './context-store.js';

/** What a handler's place has of the run whose event it hears. */
type Heard = Pick<RunInfo, 'runId' | 'parentRunId' | 'scope' | 'context'> &
  Pick<Frame, 'request'> & { readonly handlerScope: HandlerScope };

/** The place inside a handler: outside of any run, for the ears of all but the handler's own object. */
export class HandlerFrame implements Frame {
  readonly #run: Heard;
  readonly #handler: Handler;

  constructor(run: Heard, handler: Handler) {
    this.#run = run;
    this.#handler = handler;
  }

  get context(): RequestContext {
    return this.#run.context;
  }

  get request(): object | undefined {
    return this.#run.request;
  }

  get handlerScope(): HandlerScope {
    return this.#run.handlerScope.insideHandler(this.#handler.target);
  }

  get handled(): VisibleRun {
    return this.#run;
  }

  get fromCallback(): FromCallback {
    return { runId: this.#run.runId, handler: this.#handler.name };
  }
}
