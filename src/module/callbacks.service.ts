import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { brand } from '../util/brand.js';
import { shareToken } from '../util/copies.js';
import { Background, type BackgroundStatus } from '../dispatch/background/background.js';
import type { EventSelector, SelectedEvent } from '../events/event-map.js';
import type { HandlerContext, HandlerOptions } from '../events/handler-options.js';
import { functionHook } from '../handlers/hooks-of.js';
import { HandlerRegistry, type Remove } from '../handlers/handler-registry.js';
import type { HandlerFunction } from '../handlers/handler.js';
import { describeHandler, Reporter, type CallbacksReport, type HandlerInfo } from './report.js';
import { RunFactory } from '../runs/run-factory.js';
import type { CurrentContext } from '../runs/current-context.js';
import type { RunContext } from '../runs/request-context.js';
import { chainEvents } from '../runs/chain-events.js';
import { retrievalEvents } from '../runs/retrieval-events.js';
import { Tracer } from '../runs/tracer.js';
import type { WorkContext } from '../runs/work-context.js';

/** Registers callbacks while the application runs, sets the context of runs, and runs functions to be heard. */
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
  ) {}

  /**
   * Runs `work` with a user, a tenant, a conversation, tags or metadata for everything inside. Nested contexts merge:
   * tags and metadata add up, the inner user, tenant and conversation win. If `work` returns an async iterable, as an async generator does, its body runs
   * in the context too, and what its reader does between two items does not.
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
   * The run and the request of the code that asks, as a frozen snapshot.
   *
   * - In handlers (also background and durable ones) and in interceptors: the run of the event or the call. Handlers of
   *   `llm.chunk` are exempt: they have the event.
   * - In tools, chains, retrievals, `llm.resolve`, `llm.apiKey` and own providers: the run that they work for.
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
   * Runs a function as a chain: everything that is called inside is nested under it, and it is heard by
   * `@OnChainStart()`, `@OnChainEnd()` and `@OnChainError()`. For methods there is `@Chain()`.
   *
   * Start handlers are waited for, and a critical one stops the function. A stream as result keeps the chain open, as
   * `@Chain()` says; the promise settles at once with it.
   *
   * @param name what the chain is called
   * @param input what the function gets, and hooks are told
   * @returns what the function gave, as it is
   * @throws what the function threw, as it is; what a critical handler threw; `LlmAbortedError` past the deadline of a
   * shutdown
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
    return this.work.call(chainEvents(name, input), input, fn);
  }

  /**
   * Runs a function as a retrieval, as {@link chain} does: heard by `@OnRetrievalStart()`, `@OnRetrievalEnd()`, with all
   * documents, and `@OnRetrievalError()`.
   *
   * @param query what is looked for: what the function gets
   * @param source where: an index, a table …
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
    return this.work.call(retrievalEvents(query, source), query, fn);
  }

  /**
   * Runs a function as a call of a tool, as {@link chain} does: heard by `@OnToolStart()`, `@OnToolEnd()` and
   * `@OnToolError()`. For loops of your own; agents call their tools themselves. `toolCallId` is a new UUID.
   *
   * @param name what the tool is called
   * @param args what the function gets
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
   * Adds callback objects to the global circle.
   *
   * @returns takes them back, from runs that are under way too
   * @throws CallbacksConfigurationError for an object that hears nothing
   */
  add(...callbacks: object[]): Remove {
    return this.registry.addObjects(callbacks);
  }

  /**
   * Adds a function that hears one type of event, or `'*'` for all.
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
    return this.registry.add([functionHook(selector, handler as HandlerFunction, options)]);
  }

  /**
   * Replaces the global callbacks that were set before, and those of `forRoot({ callbacks })`; discovered ones stay.
   * They are called before discovered ones.
   */
  setGlobalCallbacks(callbacks: object[]): void {
    this.registry.setListed(callbacks);
  }

  /** All handlers and interceptors but those of instances and calls. */
  handlers(): HandlerInfo[] {
    return this.registry.handlers().map(describeHandler);
  }

  /**
   * What the application is made of: its clients, limiters, agents and tools, and for each event its handlers, in the
   * order in which they are called. Plain JSON, without keys, headers, prompts or what limits hold. The application logs a
   * line of it, by `debug`, when it starts.
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

  /** What is going on in the background now, and how much was dropped so far. */
  get background(): BackgroundStatus {
    return this.inBackground.status;
  }

  /**
   * Waits for all handlers that are in the background now, and for those that come of them: `background: true` until
   * they are done, `'durable'` until the queue has their jobs. Such a handler waits neither for itself, nor for others
   * that wait here, nor for those whose turn comes after it.
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
