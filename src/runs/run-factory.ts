import { Injectable } from '@nestjs/common';
import type { EventOrigin } from '../events/event.js';
import type { CallbackEvent } from '../events/event-map.js';
import { type ClientScope, HandlerScope } from '../handlers/handler-scope.js';
import { HandlerRegistry, HandlerSource } from '../handlers/handler-registry.js';
import {
  actFor,
  ActiveTrace,
  type EventSourceRequest,
  mergeContext,
  newContext,
  type RunContext,
} from './request-context.js';
import { replacesSdkSpans } from './bind-context.js';
import { readInContext } from './context-iterable.js';
import {
  contextAt,
  ContextStore,
  type CurrentContext,
  type Frame,
  type InnerRequests,
} from './run-context.js';
import { RestoredRun } from './restored-run.js';
import { Run } from './run.js';

/** The description of a run before it is created. */
export interface RunSpec {
  /** The client that the run enters. */
  readonly client?: ClientScope;
  /** The agent that the run enters, inside its client. */
  readonly agent?: ClientScope;
  /** The callbacks of the call. */
  readonly callbacks?: readonly object[] | undefined;
  readonly context?: RunContext;
  /** The user, tenant and conversation of the run, in place of its context's. */
  readonly actsFor?: RunContext | undefined;
  /** What makes the run, by default `'own'`; not inherited by nested runs. */
  readonly origin?: EventOrigin | undefined;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
}

/** Creates runs: parent, context and handlers come from the caller's async context. */
@Injectable()
export class RunFactory {
  readonly #root = new HandlerScope();
  #lastSeq = 0;

  constructor(
    private readonly store: ContextStore,
    private readonly registry: HandlerRegistry,
    private readonly activeTrace: ActiveTrace,
    private readonly source: HandlerSource,
  ) {}

  create(spec: RunSpec): Run {
    this.source.refresh();
    const frame = this.frame();
    let handlerScope = frame.handlerScope ?? this.#root;
    if (spec.client) handlerScope = handlerScope.enter(spec.client);
    if (spec.agent) handlerScope = handlerScope.enter(spec.agent);
    if (spec.callbacks) handlerScope = handlerScope.with(spec.callbacks);
    const context = spec.context ? mergeContext(frame.context, spec.context) : frame.context;
    return new Run(this.store, {
      handlerScope,
      request: this.store.holdsRequests ? frame.request : undefined,
      context: spec.actsFor ? actFor(context, spec.actsFor) : context,
      handlers: this.registry.tableFor(handlerScope),
      parent: frame.run,
      fromCallback: frame.run ? undefined : frame.fromCallback,
      origin: spec.origin ?? 'own',
      provider: spec.provider,
      model: spec.model,
    });
  }

  /** The run of an event of the application: the surrounding one while it is active, else one of the event's own. */
  forEvent(): Run {
    const run = this.store.current?.run;
    return run instanceof Run && !run.ended ? run : this.create({});
  }

  /** The run of an event from a queue. */
  restore(event: CallbackEvent): RestoredRun {
    this.source.refresh();
    const { store, registry } = this;
    return new RestoredRun(event, { store, registry, nextSeq: () => this.#seqAfterwards() });
  }

  /** Runs work in a context, nested in the surrounding one. */
  run<R>(context: RunContext, work: () => R): R {
    const frame = this.frame();
    const inner: Frame = {
      context: mergeContext(frame.context, context),
      request: frame.request,
      handlerScope: frame.handlerScope,
      run: frame.run,
      requests: frame.requests,
      handled: frame.handled,
      fromCallback: frame.fromCallback,
    };
    const result = this.store.enter(inner, work);
    readInContext(result, (read) => this.store.enter(inner, read));
    return result;
  }

  /** The inbound request of the surrounding `@Sse()` handler. */
  get eventSource(): EventSourceRequest | undefined {
    return this.store.eventSource;
  }

  /** The run and the request of the calling code; `undefined` outside of both. */
  get current(): CurrentContext | undefined {
    const frame = this.store.current;
    return frame && contextAt(frame);
  }

  /** Whether the calling code is a provider that works for a call of an LLM or for embeddings. */
  get isInModelCall(): boolean {
    const run = this.store.current?.run;
    return run instanceof Run && run.isModelCall && !run.ended;
  }

  /** What takes the requests of the calling code, if it is a provider's that does not read its server's counts itself. */
  get innerRequests(): InnerRequests | undefined {
    return this.isInModelCall ? this.store.current?.requests : undefined;
  }

  /** Whether a call at this place becomes a run with a span that replaces the one of an SDK. */
  haveSpans(client: ClientScope): boolean {
    this.source.refresh();
    const scope = this.store.current?.handlerScope ?? this.#root;
    return replacesSdkSpans(this.registry.tableFor(scope.enter(client)));
  }

  /** The current frame, or a new one. */
  frame(): Frame {
    return this.store.current ?? { context: newContext({ traceId: this.activeTrace.traceId }) };
  }

  /**
   * A sequence number for an event that is emitted after its run has ended: after the run's own numbers, and unique.
   */
  #seqAfterwards(): number {
    this.#lastSeq = Math.max(Date.now(), this.#lastSeq + 1);
    return this.#lastSeq;
  }
}
