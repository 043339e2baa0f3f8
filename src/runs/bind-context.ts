import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { CallbackEvent } from '../events/event-map.js';
import type { ComposedDecorator } from '../handlers/decorators.js';
import {
  BIND_CONTEXT,
  callMethod,
  type Handler,
  type InterceptorOptions,
} from '../handlers/handler.js';
import type { HandlerTable } from '../handlers/handler-scope.js';
import { addHandlerMetadata } from '../handlers/metadata.js';
import { isThenable } from '../util/promises.js';
import type { Outcome } from './cold-stream.js';
import { withTraceId } from './request-context.js';
import type { Run } from './run.js';

/** Calls `work` once, synchronously, in a context of its own, and returns its result. */
export type Bind = <T>(work: () => T) => T;

/** What a method with `@BindContext()` may return: how to enter its context, and the ids of the run's span. */
export interface ContextBinding {
  readonly bind: Bind;
  /** 32 lower-case hex digits: the `traceId` of the run's events, and of the runs in it. */
  readonly traceId?: string | undefined;
  /** 16 lower-case hex digits: the `spanId` of the run's events. */
  readonly spanId?: string | undefined;
}

/**
 * What an object with `@BindContext()` may say about spans.
 *
 * @example
 * ```ts
 * class Spans implements SpanOwner { readonly replacesSdkSpans = true; @BindContext() bind(event: CallbackEvent) {
 *   return this.spans.open(event);
 * } }
 * ```
 */
export interface SpanOwner {
  /**
   * Whether each run has a span, so that SDKs that make spans on their own, as `@anthropic-ai/sdk` does, make none for
   * calls that are runs. Read at each call.
   */
  readonly replacesSdkSpans: boolean;
}

/** Whether a handler table has an object whose spans replace those of SDKs. */
export function replacesSdkSpans(handlers: HandlerTable): boolean {
  return handlers[BIND_CONTEXT].some(
    ({ active, target }) => active && (target as Partial<SpanOwner>).replacesSdkSpans === true,
  );
}

/** Options of `@BindContext()`; `when` receives the start event. */
export interface BindContextOptions extends InterceptorOptions<CallbackEvent> {}

/** Decorates a method that receives the start event of a run. */
export interface BindContextDecorator extends ComposedDecorator {
  <M extends (event: never) => Bind | ContextBinding | void>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/**
 * Binds the work of runs to a context, such as the active span of a tracer or the logger of a request. The method is
 * called once a run, synchronously, before the start event is dispatched, and receives that event. It returns a function
 * that calls `work` in the context, or `{ bind, traceId, spanId }`, or nothing.
 *
 * Bound are the run's handlers (except those of `llm.chunk` and `callback.error`, handlers in the background, and those
 * with `contextFree`), its interceptors, the request to the provider and each pull of its stream, and the code of tools,
 * chains, retrievals and agents. The loop of a stream's consumer is not. With several such methods, the one with the
 * lowest `order` is outermost.
 *
 * A method that throws, or a function that throws or does not call `work` exactly once, is reported as `callback.error`,
 * once a run. The work runs exactly once in any case.
 *
 * @example
 * ```ts
 * const current = new AsyncLocalStorage<{ runId: string }>();
 * class Logs { @BindContext() bind({ runId }: CallbackEvent): Bind {
 *   return (work) => current.run({ runId }, work);
 * } }
 * ```
 */
export function BindContext(options: BindContextOptions = {}): BindContextDecorator {
  return (target: object, key: string | symbol, descriptor: PropertyDescriptor) =>
    addHandlerMetadata('BindContext', { selector: BIND_CONTEXT, options }, target, key, descriptor);
}

type Report = (handler: Handler, error: unknown) => void;

interface Binding {
  readonly handler: Handler;
  readonly bind: Bind;
}

/** Asks the methods with `@BindContext()` for the context of a run that is about to start. */
export function bindContext(run: Run, event: CallbackEvent, report: Report): void {
  const bindings: Binding[] = [];
  for (const handler of run.handlers[BIND_CONTEXT]) {
    try {
      if (!handler.active || !(handler.when?.(event as never) ?? true)) continue;
      const given = run.insideHandler(handler, () => callMethod(handler, run, event));
      const { bind, traceId, spanId } = checkBinding(handler, given);
      if (bind !== undefined) bindings.push({ handler, bind });
      if (traceId !== undefined) run.context = withTraceId(run.context, traceId);
      if (spanId !== undefined) run.spanId = spanId;
    } catch (error) {
      report(handler, error);
    }
  }
  if (bindings.length > 0) run.binding = new BoundContext(bindings, report);
}

const TRACE_ID = /^(?!0{32})[\da-f]{32}$/;
const SPAN_ID = /^(?!0{16})[\da-f]{16}$/;

function checkBinding({ name }: Handler, given: unknown): Partial<ContextBinding> {
  if (given === undefined || given === null) return {};
  if (typeof given === 'function') return { bind: given as Bind };
  if (isThenable(given)) {
    given.then(undefined, () => undefined);
    throw new CallbacksConfigurationError(
      `${name} binds no context, because it returned a promise: @BindContext() is synchronous.`,
    );
  }
  const { bind, traceId, spanId } = Object(given) as ContextBinding;
  if (typeof bind !== 'function') {
    throw new CallbacksConfigurationError(
      `${name} binds no context: return a function that calls its work, or { bind, traceId, spanId }, or nothing.`,
    );
  }
  const areIds =
    (traceId === undefined || TRACE_ID.test(traceId)) &&
    (spanId === undefined || SPAN_ID.test(spanId));
  if (areIds) return { bind, traceId, spanId };
  throw new CallbacksConfigurationError(
    `${name} gave ids that are none: traceId has 32 lower-case hex digits, spanId has 16.`,
  );
}

/** The contexts that a run is bound to. */
class BoundContext {
  #bindings: readonly Binding[];

  constructor(
    bindings: readonly Binding[],
    private readonly report: Report,
  ) {
    this.#bindings = bindings;
  }

  /** Runs work in the contexts, the first one outermost. */
  run<R>(work: () => R): R {
    return this.#enter(this.#bindings, 0, work);
  }

  #enter<R>(bindings: readonly Binding[], at: number, work: () => R): R {
    const binding = bindings[at];
    if (binding === undefined) return work();
    return this.#once(binding, () => this.#enter(bindings, at + 1, work));
  }

  /** Calls the work exactly once, whatever the function does, and passes its result or error on. */
  #once<R>(binding: Binding, work: () => R): R {
    const { name } = binding.handler;
    let calls = 0;
    let outcome: Outcome<R> | undefined;
    const call = (): R => {
      if (++calls === 1) {
        try {
          outcome = { result: work() };
        } catch (error) {
          outcome = { error };
        }
      }
      if (outcome === undefined)
        throw new CallbacksConfigurationError(`${name} called its work inside itself.`);
      return valueOf(outcome);
    };
    try {
      binding.bind(call);
    } catch (error) {
      const isOfWork = outcome !== undefined && 'error' in outcome && outcome.error === error;
      if (!isOfWork) this.#failed(binding, error);
    }
    if (calls !== 1) {
      const message = `${name} called its work ${calls} times: it must call it once, before it returns.`;
      this.#failed(binding, new CallbacksConfigurationError(message));
    }
    return outcome === undefined ? call() : valueOf(outcome);
  }

  /** Reports a failure, and leaves the context for the rest of the run. */
  #failed(binding: Binding, error: unknown): void {
    if (!this.#bindings.includes(binding)) return;
    this.#bindings = this.#bindings.filter((one) => one !== binding);
    this.report(binding.handler, error);
  }
}

function valueOf<R>(outcome: Outcome<R>): R {
  if ('error' in outcome) throw outcome.error;
  return outcome.result;
}
