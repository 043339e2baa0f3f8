import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { brand } from '../util/brand.js';
import { shareToken } from '../util/copies.js';
import { Background, type BackgroundStatus } from '../dispatch/background/background.js';
import type { EventSelector, SelectedEvent } from '../events/event-map.js';
import type { HandlerContext, HandlerOptions } from '../events/handler-options.js';
import { functionSpec } from '../handlers/find-handlers.js';
import { HandlerRegistry, type Remove } from '../handlers/handler-registry.js';
import type { HandlerFunction } from '../handlers/handler.js';
import { describeHandler, Reporter, type CallbacksReport, type HandlerInfo } from './report.js';
import { RunFactory } from '../runs/run-factory.js';
import type { CurrentContext } from '../runs/run-context.js';
import type { RunContext } from '../runs/request-context.js';
import { Tracer, type WorkContext } from '../runs/tracer.js';
import { type ObservedFetchOptions, type ObserveOptions, Observer } from '../observe/observer.js';

/** Registers callbacks at runtime, sets the context of runs, and traces functions as runs. */
@Injectable()
export class CallbacksService {
  static {
    brand(this, 'class:CallbacksService');
    shareToken(this);
  }

  constructor(
    private readonly registry: HandlerRegistry,
    private readonly runs: RunFactory,
    private readonly work: Tracer,
    private readonly inBackground: Background,
    private readonly reporter: Reporter,
    private readonly observer: Observer,
  ) {}

  /**
   * Runs `work` with a user, a tenant, a conversation, tags or metadata for everything inside. Nested contexts merge:
   * tags and metadata add up; the inner user, tenant and conversation win. If `work` returns an async iterable (such as
   * an async generator), its body also runs in the context; the consumer's code between two items does not.
   *
   * @example
   * ```ts
   * await callbacks.run({ userId: job.userId, tags: ['nightly'] }, () => this.llm.generate(job.prompt));
   * ```
   */
  run<R>(context: RunContext, work: () => R): R {
    return this.runs.run(context, work);
  }

  /**
   * A copy of a client of `openai` or `@anthropic-ai/sdk` whose calls are runs of this application: chat completions,
   * Responses, messages and embeddings, by every method of the client. Decorated methods get their events, costs are
   * counted, and budgets refuse them before a request is sent. What the caller gets is what the client gives.
   *
   * @param client is not changed; the same client and options give the same copy
   * @throws CallbacksConfigurationError for what is no such client, and for an unknown option or name
   *
   * @example
   * ```ts
   * const openai = this.callbacks.observe(new OpenAI(), { label: 'openai' });
   * await openai.chat.completions.create({ model: 'gpt-5-mini', messages });
   * ```
   */
  observe<C extends object>(client: C, options: ObserveOptions = {}): C {
    return this.observer.observe(client, options);
  }

  /**
   * A `fetch` whose requests to LLMs are runs of this application, as {@link observe} makes them, for whatever takes a
   * `fetch`: AI SDK, LangChain, SDKs of compatible servers. It recognises chat completions, Responses, messages and
   * embeddings by the path and the JSON body of a POST request; all other requests pass as they are. Each request is a
   * run, also one that its caller sends again.
   *
   * A refusal rejects with the error of what refuses; clients of `openai` and Anthropic get it as the error of the body,
   * because they would retry a rejection.
   *
   * @throws CallbacksConfigurationError for an unknown option or name
   *
   * @example
   * ```ts
   * const openai = createOpenAI({ fetch: this.callbacks.fetch({ tags: ['summaries'] }) });
   * await generateText({ model: openai.chat('gpt-5-mini'), prompt });
   * ```
   */
  fetch(options: ObservedFetchOptions = {}): typeof globalThis.fetch {
    return this.observer.fetch(options);
  }

  /**
   * The run and the request of the calling code, as a frozen snapshot.
   *
   * - In handlers (also background and durable ones) and in interceptors: the run of the event or the call. Handlers of
   *   `llm.chunk` are exempt: they have the event.
   * - In tools, chains, retrievals, `llm.resolve`, `llm.apiKey` and custom providers: the run that called them.
   * - In other code of a request or message, behind the request-context interceptor, and inside `run()`: the context,
   *   without `runId`.
   * - Elsewhere (guards, middleware, timers and queues of your own): `undefined`.
   *
   * @example
   * ```ts
   * const { tenantId = 'public' } = this.callbacks.current ?? {};
   * ```
   */
  get current(): CurrentContext | undefined {
    return this.runs.current;
  }

  /**
   * Runs a function as a chain: all runs inside are nested under it, and `@OnChainStart()`, `@OnChainEnd()` and
   * `@OnChainError()` handle its events. For methods, use `@Chain()`.
   *
   * The function runs after the start handlers; a critical one can prevent it. If the result is a stream, the chain
   * ends with the stream, as with `@Chain()`; the promise resolves with it immediately.
   *
   * @param name the name of the chain
   * @param input the input of the function and of the start event
   * @returns the function's result, unchanged
   * @throws the error of the function, unchanged; the error of a critical handler; `LlmAbortedError` past the deadline
   * of a shutdown
   *
   * @example
   * ```ts
   * const answer = await callbacks.chain('answer', ticket, async ({ text }, { signal }) => {
   *   const facts = await this.help.search(text);
   *   return this.llm.generate([...facts, text].join('\n'), { signal });
   * });
   * ```
   */
  chain<I, R>(
    name: string,
    input: I,
    fn: (input: I, context: WorkContext) => R,
  ): Promise<Awaited<R>> {
    const call = fn as (input: unknown, context: WorkContext) => R;
    return this.work.call({ kind: 'chain', name, input }, call);
  }

  /**
   * Runs a function as a retrieval, as {@link chain} does. `@OnRetrievalStart()`, `@OnRetrievalEnd()` (with all
   * documents) and `@OnRetrievalError()` handle its events.
   *
   * @param query the query, which the function receives
   * @param source what is searched: an index, a table …
   *
   * @example
   * ```ts
   * const texts = await callbacks.retrieval(question, (query) => this.index.search(query), 'help-texts');
   * ```
   */
  retrieval<Q, R>(
    query: Q,
    fn: (query: Q, context: WorkContext) => R,
    source?: string,
  ): Promise<Awaited<R>> {
    const call = fn as (query: unknown, context: WorkContext) => R;
    return this.work.call({ kind: 'retrieval', query, source }, call);
  }

  /**
   * Runs a function as a tool call, as {@link chain} does. `@OnToolStart()`, `@OnToolEnd()` and `@OnToolError()` handle
   * its events. For custom loops; agents call their tools themselves. `toolCallId` is a new UUID.
   *
   * @param name the name of the tool
   * @param args the arguments, which the function receives
   *
   * @example
   * ```ts
   * const order = await callbacks.tool('find_order', { id }, ({ id }) => this.orders.find(id));
   * ```
   */
  tool<A, R>(name: string, args: A, fn: (args: A, context: WorkContext) => R): Promise<Awaited<R>> {
    return this.work.callTool({ toolName: name, toolCallId: randomUUID(), args }, fn);
  }

  /**
   * Emits an event of the application, which `@OnCustomEvent()` handles: like any event in the usual order, scopes and
   * levels, awaited, in the background or durable. Inside a run (a tool, a chain, a retrieval) it is an event of the
   * run, with its ids and context. Elsewhere, and after the run has ended, it has a `runId` of its own and the context
   * of the calling code; its `parentRunId` is then the run that has ended. A handler does not receive the events that it
   * emits itself.
   *
   * @param name 1 to 64 letters, digits, `.`, `:`, `-` or `_`, but not the name of an event of the package
   * @param data what handlers receive as `event.data`; a durable handler receives it as JSON
   * @returns settles when all handlers are done that are awaited
   * @throws the error of a critical handler, which also fails the run if nothing catches it; CallbacksConfigurationError
   * for another name
   *
   * @example
   * ```ts
   * await callbacks.emit('ticket.opened', { ticketId: ticket.id });
   * ```
   */
  emit(name: string, data?: unknown): Promise<void> {
    return this.work.emit(name, data);
  }

  /**
   * Adds global callback objects.
   *
   * @returns a function that removes them, also from active runs
   * @throws CallbacksConfigurationError for an object without handlers
   */
  add(...callbacks: object[]): Remove {
    return this.registry.addObjects(callbacks);
  }

  /**
   * Adds a function that handles one type of event, or `'*'` for all.
   *
   * @example
   * ```ts
   * const remove = callbacks.on('llm.end', (event) => console.log(event.cost), { scope: 'support' });
   * ```
   */
  on<S extends EventSelector>(
    selector: S,
    handler: (event: SelectedEvent<S>, context: HandlerContext) => unknown,
    options: HandlerOptions<SelectedEvent<S>> = {},
  ): Remove {
    return this.registry.add([functionSpec(selector, handler as HandlerFunction, options)]);
  }

  /**
   * Replaces the global callbacks set before, and those of `forRoot({ callbacks })`; discovered ones stay. They are
   * called before discovered ones.
   */
  setGlobalCallbacks(callbacks: object[]): void {
    this.registry.setListed(callbacks);
  }

  /** All handlers and interceptors, except those of instances and calls. */
  handlers(): HandlerInfo[] {
    return this.registry.handlers().map(describeHandler);
  }

  /**
   * Describes the application: its clients, limiters, agents and tools, and the handlers of each event in call order.
   * Plain JSON, without keys, headers, prompts or current usage of limits. The application logs it as one `debug` line
   * at start-up.
   *
   * @example
   * ```ts
   * const { clients, handlers } = callbacks.report();
   * console.table(clients);
   * console.table(handlers['llm.end']);
   * ```
   */
  report(): CallbacksReport {
    return this.reporter.report();
  }

  /** What is running in the background now, and how much has been dropped. */
  get background(): BackgroundStatus {
    return this.inBackground.status;
  }

  /**
   * Waits for all handlers that are in the background now, and for those that they cause: `background: true` until they
   * are done, `'durable'` until the queue has their jobs. A background handler that calls it does not wait for itself,
   * for others that wait here, or for handlers queued after it.
   *
   * @example
   * ```ts
   * await llm.generate('Hello');
   * await callbacks.flush();
   * expect(report.lines).toHaveLength(1);
   * ```
   */
  flush(): Promise<void> {
    return this.inBackground.tasks.flush();
  }
}
