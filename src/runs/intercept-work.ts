import { interceptNow, interceptWork } from '../dispatch/compose.js';
import type { ChainStartEvent } from '../events/chain.events.js';
import type { EmittedFields } from '../events/event-map.js';
import type { RetrievalStartEvent } from '../events/retrieval.events.js';
import type { ToolStartEvent } from '../events/tool.events.js';
import { interceptorSelector } from '../handlers/handler.js';
import { interceptor, type Interceptor } from '../handlers/interceptor.js';
import type { TracedRun } from './traced-run.js';

/** A tool call that is about to be executed. */
export interface ToolRequest {
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments, validated. */
  readonly args: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolRequest: object = Object;

/** A tool call as an interceptor sees it. */
export interface InterceptedToolCall {
  readonly kind: 'tool';
  readonly request: ToolRequest;
  /** The start event, with the context: user, tenant, tags … */
  readonly event: ToolStartEvent;
  /** Fires when the tool must stop. */
  readonly signal: AbortSignal;
  readonly streaming: false;
  /** Whether the tool was called by code other than this package, as `event.observed`. */
  readonly observed: boolean;
  /**
   * Emits a custom event of the tool call, with its ids and context, and waits for its handlers. Rejects with the error
   * of a critical handler. Does nothing once the tool call has ended.
   */
  emit<N extends string>(name: N, fields?: EmittedFields<N>): Promise<void>;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedToolCall: object = Object;

/**
 * Executes the call, with other `args` if a request is passed; they are not validated again. Returns the tool's result.
 */
export type ToolNext = (request?: ToolRequest) => Promise<unknown>;
/** A value of that name, because compilers import the types in decorated signatures. */
export const ToolNext: object = Function;

/**
 * Wraps each allowed tool call: arguments are validated, start handlers are done, approval is given. The method may
 * modify the arguments, return a result without calling `next`, call `next` again, or throw, which fails the tool call.
 *
 * @example
 * ```ts
 * class Known { @InterceptTool({ when: ({ request }) => request.toolName === 'search' }) async cached({ request }: InterceptedToolCall, next: ToolNext) {
 *   const key = JSON.stringify(request.args);
 *   if (!this.found.has(key)) this.found.set(key, await next());
 *   return this.found.get(key);
 * } }
 * ```
 */
export const InterceptTool: Interceptor<InterceptedToolCall, ToolNext> = interceptor(
  'InterceptTool',
  'tool',
);

/** Executes a tool call through its interceptors. */
export function interceptTool(
  call: TracedRun<unknown>,
  request: ToolRequest,
  execute: (args: unknown) => unknown,
): unknown {
  const { run, startEvent } = call;
  const handlers = run.handlers['intercept.tool'];
  if (handlers.length === 0) return execute(request.args);
  const viewOf = (changed: ToolRequest): InterceptedToolCall => ({
    kind: 'tool',
    request: changed,
    event: startEvent as ToolStartEvent,
    get signal() {
      return run.signal;
    },
    streaming: false,
    observed: run.observed,
    emit: (name, fields) => call.emit(name, fields),
  });
  const work = ({ args }: ToolRequest) => run.inside(() => execute(args));
  return interceptWork(call, { kind: 'tool', handlers, viewOf, work }, request);
}

/** The request of a chain. */
export interface ChainRequest {
  readonly chainName: string;
  /** The only argument of the chain, or the list of its arguments. */
  readonly input: unknown;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const ChainRequest: object = Object;

/** The request of a retrieval. */
export interface RetrievalRequest {
  readonly query: unknown;
  /** What is searched: an index, a table … */
  readonly source: string | undefined;
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const RetrievalRequest: object = Object;

/** A chain or a retrieval as an interceptor receives it. */
interface InterceptedMethodCall<Q, E> {
  readonly request: Q;
  /** The start event, with the context: user, tenant, tags … */
  readonly event: E;
  /** Fires when the run is aborted: stop then. */
  readonly signal: AbortSignal;
  readonly streaming: false;
  /** Whether the run was made by code other than this package, as `event.observed`. */
  readonly observed: boolean;
  /**
   * Emits a custom event of the run, with its ids and context, and waits for its handlers. Rejects with the error of a
   * critical handler. Does nothing once the run has ended.
   */
  emit<N extends string>(name: N, fields?: EmittedFields<N>): Promise<void>;
}

/** A chain as an interceptor receives it. */
export interface InterceptedChainCall extends InterceptedMethodCall<ChainRequest, ChainStartEvent> {
  readonly kind: 'chain';
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedChainCall: object = Object;

/** A retrieval as an interceptor receives it. */
export interface InterceptedRetrievalCall extends InterceptedMethodCall<
  RetrievalRequest,
  RetrievalStartEvent
> {
  readonly kind: 'retrieval';
}
/** A value of that name, because compilers import the types in decorated signatures. */
export const InterceptedRetrievalCall: object = Object;

/**
 * Runs the method, with another `input` if a request is passed. Returns what the method returns: for an asynchronous
 * method a promise, otherwise the result.
 */
export type ChainNext = (request?: ChainRequest) => unknown;
/** A value of that name, because compilers import the types in decorated signatures. */
export const ChainNext: object = Function;

/**
 * Runs the method, with another `query` if a request is passed. Returns what the method returns: for an asynchronous
 * method a promise, otherwise the result.
 */
export type RetrievalNext = (request?: RetrievalRequest) => unknown;
/** A value of that name, because compilers import the types in decorated signatures. */
export const RetrievalNext: object = Function;

/**
 * Wraps each chain: methods with `@Chain()` and `callbacks.chain()`. The method may modify the input, return a result
 * without calling `next`, call `next` again, or throw, which fails the chain. Around a synchronous chain it must be
 * synchronous too; otherwise the call fails with a `CallbacksConfigurationError`. A stream that the chain returns is the
 * result of `next`: return it unchanged, and the chain ends with it.
 *
 * @example
 * ```ts
 * class Slow { @InterceptChain({ when: ({ request }) => request.chainName === 'answer' }) async warn({ request, event }: InterceptedChainCall, next: ChainNext) {
 *   const since = performance.now();
 *   const result = await next();
 *   if (performance.now() - since > 5_000) this.log.warn(`${request.chainName} was slow`, event.requestId);
 *   return result;
 * } }
 * ```
 */
export const InterceptChain: Interceptor<InterceptedChainCall, ChainNext> = interceptor(
  'InterceptChain',
  'chain',
);

/**
 * Wraps each retrieval: methods with `@Retrieval()` and `callbacks.retrieval()`. The rules of {@link InterceptChain}
 * apply.
 *
 * @example
 * ```ts
 * class Rewritten { @InterceptRetrieval() async expand({ request }: InterceptedRetrievalCall, next: RetrievalNext) {
 *   return next({ ...request, query: await this.synonyms.add(String(request.query)) });
 * } }
 * ```
 */
export const InterceptRetrieval: Interceptor<InterceptedRetrievalCall, RetrievalNext> = interceptor(
  'InterceptRetrieval',
  'retrieval',
);

/** The interceptors around one chain or retrieval. */
interface MethodInterception<Q, R> {
  readonly kind: 'chain' | 'retrieval';
  readonly request: Q;
  /** Runs the method; asynchronous work for a caller that waits. */
  readonly work: (request: Q) => R;
  /** Whether the caller waits; otherwise interceptors must be synchronous. */
  readonly isAsync: boolean;
}

/** Runs a method through the interceptors around it; for a caller that waits, await the result. */
export function interceptMethod<Q, R>(
  traced: TracedRun<unknown>,
  { kind, request, work, isAsync }: MethodInterception<Q, R>,
): R {
  const { run, startEvent } = traced;
  const handlers = run.handlers[interceptorSelector(kind)];
  if (handlers.length === 0) return work(request);
  const interception = {
    kind,
    handlers,
    viewOf: (changed: Q) => ({
      kind,
      request: changed,
      event: startEvent,
      get signal() {
        return run.signal;
      },
      streaming: false,
      observed: run.observed,
      emit: (name: string, fields?: unknown) => traced.emit(name, fields),
    }),
    work: (changed: Q) => run.inside(() => work(changed)),
  };
  return isAsync
    ? (interceptWork(traced, interception, request) as R)
    : interceptNow(traced, interception, request);
}
