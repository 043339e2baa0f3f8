import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import {
  CallbacksModule,
  CallbacksService,
  type CallbackEvent,
  type CostLimiter,
  type EventOrigin,
} from '../../index.js';
import { RecordingCallbacks } from '../recording-callbacks.js';
import type { Kit, KitOptions, StreamReading } from './kit.js';
import type { AnswerMethod, MakeProviderServer } from './provider-bench.js';
import { answerOf, errorOf, type AnswerScript } from './provider-replies.js';
import type { ProviderServer, ReceivedRequest, ScriptedErrorCode } from './provider-server.js';

/**
 * Calls a model by code that is not of this library, and that is observed. `describeObserved()` tests that its calls are
 * runs of the application.
 */
export interface ObservedCaller {
  /**
   * Sends one request, without a retry, and returns the text of the answer. A call is one run: `llm.start`, then one
   * `llm.end` or `llm.error`, with the origin of the adapter. End handlers are awaited before the caller has the answer.
   * What refuses the call at its start, such as a critical handler or a limiter, does so before a request is sent; the
   * caller gets that error, or one with it in its chain of causes. Aborting `signal` ends the run as aborted.
   */
  generate(prompt: string, options?: ObservedCallOptions): Promise<string>;
  /**
   * Sends one request, without a retry, and yields the texts of a streamed answer. The same as for {@link generate}
   * holds; chunk events come before the reader has their text, end handlers are awaited before the end, and a reader
   * that leaves cancels the request and ends the run as `cancelled`.
   */
  stream(prompt: string, options?: ObservedCallOptions): AsyncIterable<string>;
}

/** What a test gives to a call of an {@link ObservedCaller}. */
export interface ObservedCallOptions {
  readonly signal?: AbortSignal;
}

/** What an {@link ObservedCaller} is made of. */
export interface ObservedPlace {
  /** Of the application that observes. */
  readonly callbacks: CallbacksService;
  /** Where the server of the test is. */
  readonly url: string;
  /** The model to request. */
  readonly model: string;
}

/** Makes code that is observed by an application, and sends its requests to a {@link ProviderServer}. */
export type MakeObserved = (place: ObservedPlace) => ObservedCaller | Promise<ObservedCaller>;

/** Facts about observed code. */
export interface ObservedKitOptions extends KitOptions {
  /** The `origin` of its events. */
  origin: EventOrigin;
  /**
   * The model that is requested, and answers.
   * @default 'kit-model'
   */
  model?: string;
}

/** Adds a test of a rule of `ObservedCaller`. */
export type AddObservedTest = (
  member: string,
  rule: string,
  run: (bench: ObservedBench) => Promise<void>,
) => void;

/** What an adapter that breaks a rule gets to do so, in milliseconds; one that keeps it passes, however slow it is. */
const QUIET_MS = 50;
const DOLLARS_PER_MILLION = 1_000;

/** The observed code of one test, the application that observes it, and its server. */
export class ObservedBench {
  caller!: ObservedCaller;
  callbacks!: CallbacksService;
  server!: ProviderServer;
  readonly recording = new RecordingCallbacks();
  readonly model: string;
  readonly #aborter = new AbortController();
  #close: () => Promise<void> = async () => undefined;

  constructor(
    private readonly kit: Kit,
    private readonly make: MakeObserved,
    private readonly makeServer: MakeProviderServer,
    readonly options: ObservedKitOptions,
  ) {
    this.model = options.model ?? 'kit-model';
  }

  async open(): Promise<void> {
    const { model } = this;
    const price = { inputPerMillion: DOLLARS_PER_MILLION, outputPerMillion: 0 };
    const root = CallbacksModule.forRoot({
      prices: { [model]: price },
      callbacks: [this.recording],
    });
    this.server = await this.makeServer();
    const app = await NestFactory.createApplicationContext(root, {
      logger: false,
      abortOnError: false,
    });
    this.#close = () => app.close();
    this.callbacks = app.get(CallbacksService);
    this.caller = await this.make({ callbacks: this.callbacks, url: this.server.url, model });
  }

  async close(): Promise<void> {
    this.#aborter.abort(new Error('The test is over.'));
    await (this.server as ProviderServer | undefined)?.close();
    await this.#close();
  }

  /** Sets the reply to the next request. */
  answer(method: AnswerMethod, script: AnswerScript = {}): void {
    this.server.reply(answerOf(this.model, method === 'stream', script));
  }

  fail(code: ScriptedErrorCode): void {
    this.server.reply(errorOf(code));
  }

  silence(method: AnswerMethod): void {
    this.server.reply({ type: 'silence', streamed: method === 'stream' });
  }

  /** Adds a limiter to the application. */
  limit(limiter: CostLimiter): void {
    this.callbacks.add(limiter);
  }

  /** Calls the model; returns the text of the answer. */
  call(method: AnswerMethod, signal: AbortSignal = this.#aborter.signal): Promise<string> {
    const calling =
      method === 'generate'
        ? this.caller.generate('Hi', { signal })
        : textOf(this.caller.stream('Hi', { signal }));
    return this.kit.inTime('the call does not settle', calling);
  }

  /** Reads a stream text by text. */
  reader(signal: AbortSignal = this.#aborter.signal): StreamReading<string> {
    return this.kit.reader(this.caller.stream('Hi', { signal }));
  }

  /** Waits for a request. */
  received(): Promise<ReceivedRequest> {
    return this.kit.eventually('the server receives no request', () => this.server.requests[0]);
  }

  /** Waits until the client of the request has left. */
  async aborted(): Promise<void> {
    const { aborted } = await this.received();
    await this.kit.inTime('the request is still open', aborted);
  }

  /** Gives an adapter that does not wait the time to go on. */
  readonly quiet = (): Promise<void> => delay(QUIET_MS);

  /** The only end of the only run of a model; waits for it. */
  async end<T extends 'llm.end' | 'llm.error'>(
    type: T,
  ): Promise<Extract<CallbackEvent, { type: T }>> {
    await this.settled();
    const ends = this.recording.events.filter(isEnd);
    assert.deepEqual(
      ends.map((event) => event.type),
      [type],
      'The call has not this one end.',
    );
    return ends[0] as Extract<CallbackEvent, { type: T }>;
  }

  /** Waits until all runs have ended; fails for a run with more than one end, or without a start. */
  async settled(): Promise<void> {
    const { events } = this.recording;
    const started = () => events.filter(({ type }) => type === 'llm.start').map(idOf);
    await this.kit.eventually('a run has no end', () => {
      const ended = new Set(events.filter(isEnd).map(idOf));
      return started().every((id) => ended.has(id));
    });
    assert.deepEqual(
      events.filter(isEnd).map(idOf).toSorted(),
      started().toSorted(),
      'Each run must start once, and end once.',
    );
  }
}

const idOf = ({ runId }: CallbackEvent): string => runId;
const isEnd = ({ type }: CallbackEvent): boolean => type === 'llm.end' || type === 'llm.error';

async function textOf(stream: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of stream) text += piece;
  return text;
}
