import { Injectable } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { isObservable, Observable, tap } from 'rxjs';
import type { RequestContext } from '../events/event.js';
import { ActiveTrace, newContext } from '../runs/request-context.js';
import { ContextStore, type Frame } from '../runs/run-context.js';
import { Log } from '../util/log.js';

type MessageHandler = (...args: unknown[]) => Promise<unknown>;

/** The used part of a microservice's server. */
interface RpcServer {
  getHandlers?(): Map<string, MessageHandler>;
  readonly status?: Observable<unknown>;
}

/**
 * Warns about microservices connected without `inheritAppConfig`. Nest does not expose how a microservice was
 * connected; but if a message started a run and was answered without passing the request-context interceptor, the
 * option is missing.
 */
@Injectable()
export class MicroserviceConfigCheck {
  readonly #logger = new Log('Callbacks');
  readonly #watched = new WeakSet<MessageHandler>();

  constructor(
    modules: ModulesContainer,
    private readonly http: HttpAdapterHost,
    private readonly store: ContextStore,
    private readonly activeTrace: ActiveTrace,
  ) {
    // Early versions of Nest 11 do not have this method.
    modules.getRpcTargetRegistry?.<RpcServer>().subscribe((server) => {
      // Its handlers are registered after it is created, or when it is started.
      queueMicrotask(() => this.#watch(server));
      server.status?.subscribe(() => this.#watch(server));
    });
  }

  #watch(server: RpcServer): void {
    // A standalone microservice has no other configuration.
    if (!this.http.httpAdapter) return;
    const handlers = server.getHandlers?.() ?? new Map<string, MessageHandler>();
    let isSettled = false;
    for (const [pattern, handler] of handlers) {
      if (this.#watched.has(handler)) continue;
      // Nest stores properties on handlers, one of which chains them.
      const watched = new Proxy(handler, {
        apply: (target, self, args: unknown[]) => {
          const call = () => Reflect.apply(target, self, args);
          // A message inside another request has that request's context.
          if (isSettled || this.store.current !== undefined) return call();
          return this.#call(call, pattern, () => (isSettled = true));
        },
      });
      this.#watched.add(watched);
      handlers.set(pattern, watched);
    }
  }

  async #call(call: MessageHandler, pattern: string, settle: () => void): Promise<unknown> {
    const frame = new MessageFrame(this.activeTrace, settle);
    const answered = () => {
      if (!frame.hasRuns || frame.isSeen) return;
      settle();
      this.#logger.warn(
        `The runs of the message "${pattern}" have no context, because its microservice does not inherit the application's interceptors: connect it by app.connectMicroservice(options, { inheritAppConfig: true }).`,
      );
    };
    const answer = await this.store.enter(frame, call);
    // A failed message may have been rejected before it reached interceptors.
    if (isObservable(answer)) {
      return new Observable((subscriber) =>
        this.store.enter(frame, () =>
          answer.pipe(tap({ complete: answered })).subscribe(subscriber),
        ),
      );
    }
    answered();
    return answer;
  }
}

/** The frame of a message that has not reached the request-context interceptor, and may never reach it. */
export class MessageFrame implements Frame {
  #context: RequestContext | undefined;
  #isSeen = false;

  constructor(
    private readonly activeTrace: ActiveTrace,
    private readonly onSeen: () => void,
  ) {}

  /** Read by runs that start in this frame. */
  get context(): RequestContext {
    this.#context ??= newContext({ traceId: this.activeTrace.traceId });
    return this.#context;
  }

  get hasRuns(): boolean {
    return this.#context !== undefined;
  }

  get isSeen(): boolean {
    return this.#isSeen;
  }

  /** Called when the message reaches the request-context interceptor. */
  intercepted(): void {
    this.#isSeen = true;
    this.onSeen();
  }
}
