import type { DispatchTarget } from '../dispatch/invoke-handler.js';
import type { EventOrigin, FromCallback, RequestContext } from '../events/event.js';
import type { HandlerContext } from '../events/handler-options.js';
import { callHandler, type Handler, type HandlerFunction, methodOf } from '../handlers/handler.js';
import type { HandlerScope, HandlerTable } from '../handlers/handler-scope.js';
import type { Redactor } from '../redaction/redactor.js';
import type { Usage } from '../types/usage.js';
import { replacesSdkSpans } from './bind-context.js';
import { Cancellation, LazySignal } from './cancellation.js';
import {
  type ContextStore,
  type CurrentContext,
  type Frame,
  HandlerFrame,
  type InnerRequests,
  type ParentRun,
  snapshotOf,
} from './run-context.js';
import { newRunId } from './request-context.js';

/** The parts of a run. */
export interface RunParts {
  readonly context: RequestContext;
  readonly request: object | undefined;
  readonly handlerScope: HandlerScope;
  readonly handlers: HandlerTable;
  readonly parent: ParentRun | undefined;
  readonly fromCallback: FromCallback | undefined;
  readonly origin: EventOrigin;
  readonly provider: string | undefined;
  readonly model: string | undefined;
}

/** One LLM call, tool call, agent run …: its place in the tree, its context, its handlers, and whether it has ended. */
export class Run extends Cancellation implements DispatchTarget, Frame, ParentRun {
  context: RequestContext;
  readonly request: object | undefined;
  readonly handlers: HandlerTable;
  readonly fromCallback: FromCallback | undefined;
  readonly origin: EventOrigin;
  /** What the run's work is bound to. */
  binding: { run<R>(work: () => R): R } | undefined;
  spanId: string | undefined;
  /** Whether it calls a model, so that only code of providers runs inside. */
  isModelCall = false;
  provider: string | undefined;
  model: string | undefined;
  readonly handlerScope: HandlerScope;
  readonly handlerContext: HandlerContext = new LazySignal(this);
  readonly #store: ContextStore;
  readonly #parent: ParentRun | undefined;
  #runId: string | undefined;
  /** Receives the usage and cost of nested calls. */
  onSpent: ((usage: Usage, cost: number | null) => void) | undefined;
  #seq = 0;
  #chunkMethods: readonly HandlerFunction[] | undefined;
  #ended = false;
  #released = false;
  #detached = false;

  constructor(store: ContextStore, parts: RunParts) {
    super();
    this.#store = store;
    this.#parent = parts.parent;
    this.handlerScope = parts.handlerScope;
    this.context = parts.context;
    this.request = parts.request;
    this.handlers = parts.handlers;
    this.fromCallback = parts.fromCallback;
    this.origin = parts.origin;
    this.provider = parts.provider;
    this.model = parts.model;
  }

  // Ids are created on first use: many runs have no handler that reads them.
  get runId(): string {
    this.#runId ??= newRunId();
    return this.#runId;
  }

  get parentRunId(): string | undefined {
    return this.#parent?.runId;
  }

  get rootRunId(): string {
    return this.#parent?.rootRunId ?? this.runId;
  }

  get root(): object {
    return this.#parent?.root ?? this;
  }

  /** As a frame, it is its own surrounding run. */
  get run(): ParentRun {
    return this;
  }

  get scopes(): readonly string[] {
    const { scopes } = this.handlerScope;
    return scopes.length === 0 ? ['default'] : scopes;
  }

  get scope(): string {
    return this.scopes.at(-1)!;
  }

  /** Whether it was made by code other than this package. */
  get observed(): boolean {
    return this.origin !== 'own';
  }

  /** Whether it has a span that replaces the one of an SDK. */
  get hasSpan(): boolean {
    return replacesSdkSpans(this.handlers);
  }

  /** Whether the terminal event was, or is being, dispatched. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Whether its caller has continued, so that handlers can no longer fail the run. */
  get released(): boolean {
    return this.#released;
  }

  get detached(): boolean {
    return this.#detached;
  }

  get chunkMethods(): readonly HandlerFunction[] {
    this.#chunkMethods ??= this.#plainMethods(this.handlers['llm.chunk']);
    return this.#chunkMethods;
  }

  /** Reports the run's own usage to its parents. */
  spend(usage: Usage, cost: number | null): void {
    this.#parent?.spent(usage, cost);
  }

  spent(usage: Usage, cost: number | null): void {
    this.onSpent?.(usage, cost);
    this.#parent?.spent(usage, cost);
  }

  get redactor(): Redactor {
    return this.#store.redactor;
  }

  nextSeq(): number {
    return this.#seq++;
  }

  /** Marks the run as ended. Returns `false` if it had already ended: no more events may be dispatched. */
  end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#detached = this.#parent?.ended ?? false;
    return true;
  }

  /** Called when its caller has continued. */
  release(): void {
    this.#released = true;
  }

  override letGo(): void {
    super.letGo();
    this.onSpent = undefined;
  }

  /**
   * Runs work whose runs become children of this one.
   *
   * @param requests takes what observed layers see of the requests that the work sends
   */
  inside<R>(work: () => R, requests?: InnerRequests): R {
    const frame = requests === undefined ? this : this.#frameWith(requests);
    return this.#store.enter(frame, this.binding === undefined ? work : () => this.bound(work));
  }

  #frameWith(requests: InnerRequests): Frame {
    const { context, request, handlerScope } = this;
    return { context, request, handlerScope, run: this, requests };
  }

  /** Runs work in the contexts that the run is bound to. */
  bound<R>(work: () => R): R {
    return this.binding === undefined ? work() : this.binding.run(work);
  }

  /** Runs work for the run before it starts: in its context, but as part of the surrounding run. */
  before<R>(work: () => R): R {
    const { context, request, handlerScope, fromCallback } = this;
    const run = this.#parent;
    return this.#store.enter(
      { context, request, handlerScope, run, handled: this, fromCallback },
      work,
    );
  }

  /** The run as its own code sees it. */
  get snapshot(): CurrentContext {
    return snapshotOf(this.context, this);
  }

  /**
   * Calls a handler. A run that it starts is a new root with the request's context, and does not reach the handler
   * itself.
   */
  insideHandler<R>(handler: Handler, call: () => R, isBound = false): R {
    const work = isBound && this.binding !== undefined ? () => this.bound(call) : call;
    return this.#store.enter(new HandlerFrame(this, handler), work);
  }

  #plainMethods(handlers: readonly Handler[]): readonly HandlerFunction[] {
    const other = handlers.findIndex(({ isPlain }) => !isPlain);
    const plain = other < 0 ? handlers : handlers.slice(0, other);
    return plain.map((handler) => this.#chunkMethod(handler));
  }

  #chunkMethod(handler: Handler): HandlerFunction {
    if (handler.instances === undefined) return methodOf(handler);
    return (event, context) =>
      this.insideHandler(handler, () => callHandler(handler, event, context, this));
  }
}
