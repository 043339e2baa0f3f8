import { STATUS_CODES } from 'node:http';
import { clearImmediate, setImmediate } from 'node:timers';
import {
  type ExecutionContext,
  HttpException,
  Injectable,
  type MessageEvent,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { catchError, EMPTY, Observable, of, type Subscriber } from 'rxjs';
import { CallbacksError } from '../errors/callbacks-error.js';
import { isSse, StreamErrorHandler } from '../request-context/request-context.interceptor.js';
import type { EventSourceRequest } from '../runs/request-context.js';
import type { FinishReason } from '../types/llm.js';
import type { Usage } from '../types/usage.js';
import { markOf } from '../util/brand.js';
import { Log, logReason } from '../util/log.js';
import { CallbacksExceptionFilter } from './callbacks-exception.filter.js';

/** The standard suggests a comment about every 15 seconds, for proxies that close silent connections. */
const HEARTBEAT_MS = 15_000;
/** How long a client waits before it connects again if its reconnect could not be answered with 204. */
const RETRY_MS = 24 * 60 * 60 * 1_000;

/** Options of `toSse()`. */
export interface ToSseOptions {
  /**
   * The id of the last event that the client received, if it reconnects: no model is called then.
   * @default the header `Last-Event-ID` of the inbound request, in handlers with `@Sse()`
   */
  lastEventId?: string | undefined;
  /**
   * Whether an agent's events include what its tools were given and what they returned.
   * @default false
   */
  content?: boolean | undefined;
}

/** How a stream ended: the data of its `done` event. */
interface SseOutcome {
  readonly finishReason: FinishReason;
  readonly usage: Usage;
  /** US dollars; `null` when a price is not known. */
  readonly cost: number | null;
}

/** A stream to be sent as events. */
interface EventStreamSource<T> {
  readonly items: AsyncDisposable & { [Symbol.asyncIterator](): AsyncIterator<T, undefined> };
  /** The event for an item; `undefined` for none. */
  toMessage(item: T): MessageEvent | undefined;
  outcome(): Promise<SseOutcome>;
}

/**
 * A cold stream as server-sent events. Subscribing reads it; unsubscribing cancels it. The last event is `done` or
 * `failed`. An error that is not of this package and is thrown before the response has begun is left to the
 * application's filters, which can still set a status.
 *
 * @param request the request of the handler that sends the events, if there is one
 */
export function toEventStream<T>(
  source: EventStreamSource<T>,
  request: EventSourceRequest | undefined,
  { lastEventId = '' }: ToSseOptions = {},
): Observable<MessageEvent> {
  if ((lastEventId || request?.lastEventId || '') === '') {
    return new Observable((subscriber) => {
      const reading = new EventStreamReading(source, request, subscriber);
      void reading.read();
      return () => reading.stop();
    });
  }
  // Reading `.response` or `.result` must not call the model either.
  void source.items[Symbol.asyncDispose]();
  return request === undefined || request.refuse() ? EMPTY : of({ retry: RETRY_MS });
}

class EventStreamReading<T> {
  #reader: AsyncIterator<T, undefined> | undefined;
  #opening: NodeJS.Immediate | undefined;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(
    private readonly source: EventStreamSource<T>,
    private readonly request: EventSourceRequest | undefined,
    private readonly subscriber: Subscriber<MessageEvent>,
  ) {}

  async read(): Promise<void> {
    const { source, subscriber } = this;
    this.#keepAlive();
    try {
      this.#reader = source.items[Symbol.asyncIterator]();
      for (let next = await this.#reader.next(); !next.done; next = await this.#reader.next()) {
        const message = source.toMessage(next.value);
        if (message !== undefined) this.#send(message);
      }
      if (!subscriber.closed) this.#send({ type: 'done', data: await source.outcome() });
    } catch (error) {
      if (subscriber.closed) return;
      if (!(error instanceof CallbacksError) && this.request?.isAnswered === false) {
        subscriber.error(error);
        return;
      }
      this.#send(failedEvent(error));
    }
    subscriber.complete();
  }

  stop(): void {
    clearImmediate(this.#opening);
    clearInterval(this.#heartbeat);
    void this.#reader?.return?.();
  }

  #send(message: MessageEvent): void {
    clearImmediate(this.#opening);
    this.#heartbeat?.refresh();
    this.subscriber.next(message);
  }

  #keepAlive(): void {
    const { request, subscriber } = this;
    if (request === undefined) return;
    // Not immediately: an early rejection can still set a status.
    this.#opening = setImmediate(() => {
      const firstId = request.firstId();
      if (firstId !== undefined) subscriber.next(firstId);
    });
    this.#heartbeat = setInterval(() => subscriber.next({ comment: '' }), HEARTBEAT_MS).unref();
  }
}

const SERVER_ERROR = 500;

/**
 * The last event of a stream that fails. It is not named `error`, because `EventSource` reports lost connections under
 * that name.
 */
function failedEvent(error: unknown): MessageEvent {
  return { type: 'failed', data: bodyOf(error) };
}

/** The body that a client receives for a failed request. */
function bodyOf(error: unknown): object {
  if (error instanceof CallbacksError) return new CallbacksExceptionFilter().bodyOf(error);
  if (error instanceof HttpException) return bodyOfHttp(error);
  new Log('Callbacks').error(logReason(error), error);
  return { statusCode: SERVER_ERROR, message: 'Internal server error' };
}

/** As Nest's own filter writes it. */
function bodyOfHttp(error: HttpException): object {
  const response = error.getResponse();
  if (typeof response === 'object' && !(response instanceof Error)) return response;
  const statusCode = error.getStatus();
  const message = typeof response === 'string' ? response : (STATUS_CODES[statusCode] ?? 'Error');
  return { statusCode, message };
}

/** The metadata that `@UseFilters()` writes on methods and classes. */
const FILTERS = '__exceptionFilters__';
const FILTER = markOf('class:CallbacksExceptionFilter');

interface HttpResponse {
  readonly raw?: HttpResponse;
  readonly headersSent?: boolean;
}

/** Lets the {@link CallbacksExceptionFilter}, if there is one, report failures in an `@Sse()` stream that has begun. */
@Injectable()
export class SseErrors extends StreamErrorHandler {
  constructor(private readonly modules: ModulesContainer) {
    super();
  }

  watch(host: ExecutionContext, answer: Observable<unknown>): Observable<unknown> {
    if (!isSse(host)) return answer;
    const response = host.switchToHttp().getResponse<HttpResponse>();
    return answer.pipe(
      catchError((error: unknown) => {
        const isLate = (response.raw ?? response).headersSent === true;
        if (!isLate || !(error instanceof CallbacksError) || !this.#isFiltered(host)) throw error;
        return of(failedEvent(error));
      }),
    );
  }

  #isFiltered(host: ExecutionContext): boolean {
    for (const { providers } of this.modules.values()) {
      for (const { instance } of providers.values()) if (isFilter(instance)) return true;
    }
    return [host.getHandler(), host.getClass()].some((target) =>
      ((Reflect.getMetadata(FILTERS, target) ?? []) as unknown[]).some(isFilter),
    );
  }
}

/** Whether it is the filter or its class, from any copy of the package. */
function isFilter(filter: unknown): boolean {
  return typeof filter === 'function'
    ? FILTER in filter
    : filter instanceof CallbacksExceptionFilter;
}
