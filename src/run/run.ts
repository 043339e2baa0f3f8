import type { Audience } from '../dispatch/index.js';
import type { FromCallback, HandlerContext, RequestContext } from '../events/index.js';
import {
  methodOf,
  type Circles,
  type Handler,
  type HandlerFunction,
  type HandlerTable,
} from '../registry/index.js';
import type { ContextStore, Frame, ParentRun } from './context-store.js';
import { newRunId } from './ids.js';

/** What a run is made of. */
export interface RunParts {
  readonly context: RequestContext;
  readonly circles: Circles;
  readonly handlers: HandlerTable;
  readonly parent: ParentRun | undefined;
  readonly fromCallback: FromCallback | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
}

/** One call, tool, agent …: its place in the tree, its context, who hears it, and whether it is over. */
export class Run implements Audience {
  readonly runId = newRunId();
  readonly parentRunId: string | undefined;
  readonly rootRunId: string;
  readonly context: RequestContext;
  readonly handlers: HandlerTable;
  readonly fromCallback: FromCallback | undefined;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  readonly #circles: Circles;
  readonly #store: ContextStore;
  readonly #parent: ParentRun | undefined;
  readonly #controller = new AbortController();
  readonly handlerContext: HandlerContext = { signal: this.#controller.signal };
  #seq = 0;
  #chunkMethods: readonly HandlerFunction[] | undefined;
  #ended = false;
  #detached = false;

  constructor(store: ContextStore, parts: RunParts) {
    this.#store = store;
    this.#parent = parts.parent;
    this.#circles = parts.circles;
    this.parentRunId = parts.parent?.runId;
    this.rootRunId = parts.parent?.rootRunId ?? this.runId;
    this.context = parts.context;
    this.handlers = parts.handlers;
    this.fromCallback = parts.fromCallback;
    this.provider = parts.provider;
    this.model = parts.model;
  }

  get scopes(): readonly string[] {
    const { scopes } = this.#circles;
    return scopes.length === 0 ? ['default'] : scopes;
  }

  get scope(): string {
    return this.scopes.at(-1)!;
  }

  /** Fires when the run is aborted. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the terminal event was, or is being, told. */
  get ended(): boolean {
    return this.#ended;
  }

  get detached(): boolean {
    return this.#detached;
  }

  get chunkMethods(): readonly HandlerFunction[] {
    this.#chunkMethods ??= this.handlers['llm.chunk'].map(methodOf);
    return this.#chunkMethods;
  }

  nextSeq(): number {
    return this.#seq++;
  }

  /** Fires the signal; the first reason stays. */
  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** Claims the terminal event. `false`: it was claimed before, and nothing may be told any more. */
  end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    this.#detached = this.#parent?.ended ?? false;
    return true;
  }

  /** Does work whose runs are this one's children. */
  inside<R>(work: () => R): R {
    const frame: Frame = { context: this.context, circles: this.#circles, run: this };
    return this.#store.enter(frame, work);
  }

  /** Calls a handler; a run that it starts is a new root with the request's context, and not for its own ears. */
  insideHandler<R>(handler: Handler, call: () => R): R {
    const frame: Frame = {
      context: this.context,
      circles: this.#circles.insideHandler(handler.target),
      fromCallback: { runId: this.runId, handler: handler.name },
    };
    return this.#store.enter(frame, call);
  }
}
