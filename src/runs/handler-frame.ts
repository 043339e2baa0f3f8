import type { FromCallback, RequestContext, RunInfo } from '../events/run-info.js';
import type { HandlerScope } from '../handlers/handler-scope.js';
import type { Handler } from '../handlers/handler.js';
import type { Frame, VisibleRun } from './context-store.js';

/** The part of the handled run that a handler's frame needs. */
type HandledRun = Pick<RunInfo, 'runId' | 'parentRunId' | 'scope' | 'context'> &
  Pick<Frame, 'request'> & { readonly handlerScope: HandlerScope };

/**
 * The frame inside a handler: outside of any run; the handler's own object does not receive events of runs started
 * here.
 */
export class HandlerFrame implements Frame {
  readonly #run: HandledRun;
  readonly #handler: Handler;

  constructor(run: HandledRun, handler: Handler) {
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
