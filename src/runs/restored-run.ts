import type { DispatchTarget } from '../dispatch/invoke-handler.js';
import type { CallbackEvent } from '../events/event-map.js';
import type { EventOrigin, FromCallback, RequestContext } from '../events/event.js';
import type { HandlerContext } from '../events/handler-options.js';
import { HandlerScope, type HandlerTable } from '../handlers/handler-scope.js';
import type { Handler } from '../handlers/handler.js';
import type { Redactor } from '../redaction/redactor.js';
import type { HandlerRegistry } from '../handlers/handler-registry.js';
import { Cancellation } from './cancellation.js';
import { type ContextStore, HandlerFrame } from './run-context.js';

/** The parts of an application that a {@link RestoredRun} needs. */
export interface RestoredRunParts {
  readonly store: ContextStore;
  readonly registry: HandlerRegistry;
  readonly nextSeq: () => number;
}

/** The run of an event from a queue; the run has ended, or continues in another process, and nothing here aborts it. */
export class RestoredRun extends Cancellation implements DispatchTarget {
  /** Each job has its own instances of request-scoped providers. */
  readonly root = this;
  readonly ended = true;
  readonly released = true;
  readonly detached = false;
  readonly chunkMethods = [];
  readonly handlerContext: HandlerContext = this;
  readonly context: RequestContext;
  readonly handlerScope: HandlerScope;

  constructor(
    private readonly event: CallbackEvent,
    private readonly parts: RestoredRunParts,
  ) {
    super();
    const { requestId, traceId, userId, tenantId, conversationId, route, tags, metadata } = event;
    this.context = {
      requestId,
      traceId,
      userId,
      tenantId,
      conversationId,
      route,
      tags,
      metadata,
    };
    this.handlerScope = new HandlerScope(event.scopes);
  }

  get handlers(): HandlerTable {
    return this.parts.registry.tableFor(this.handlerScope);
  }

  get runId(): string {
    return this.event.runId;
  }

  get redactor(): Redactor {
    return this.parts.store.redactor;
  }

  get spanId(): string | undefined {
    return this.event.spanId;
  }

  get parentRunId(): string | undefined {
    return this.event.parentRunId;
  }

  get rootRunId(): string {
    return this.event.rootRunId;
  }

  get scope(): string {
    return this.event.scope;
  }

  get scopes(): readonly string[] {
    return this.event.scopes;
  }

  get fromCallback(): FromCallback | undefined {
    return this.event.fromCallback;
  }

  get origin(): EventOrigin {
    return this.event.origin;
  }

  get provider(): string | undefined {
    return this.event.provider;
  }

  get model(): string | undefined {
    return this.event.model;
  }

  nextSeq(): number {
    return this.parts.nextSeq();
  }

  insideHandler<R>(handler: Handler, call: () => R): R {
    return this.parts.store.enter(new HandlerFrame(this, handler), call);
  }
}
