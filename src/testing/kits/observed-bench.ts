import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { CallbacksModule, CallbacksService, type CallbackEvent, CostLimiter } from '../../index.js';
import { RecordingCallbacks } from '../recording-callbacks.js';
import type { Kit, StreamReading } from './kit.js';
import type { MakeObserved, ObservedCaller, ObservedKitOptions } from './observed-caller.js';
import type { AnswerMethod, MakeProviderServer } from './provider-bench.js';
import { answerOf, embeddingsOf, errorOf, type AnswerScript } from './provider-replies.js';
import type { ProviderServer, ReceivedRequest, ScriptedErrorCode } from './provider-server.js';

/** Adds a test of a rule of `ObservedCaller`. */
export type AddObservedTest = (
  member: string,
  rule: string,
  run: (bench: ObservedBench) => Promise<void>,
) => void;

/** What an adapter that breaks a rule gets to do so, in milliseconds; one that keeps it passes, however slow it is. */
const QUIET_MS = 50;
const DOLLARS_PER_MILLION = 1_000;
const MILLION = 1_000_000;

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
    const reported = this.options.usage === false ? { usage: undefined, ...script } : script;
    this.server.reply(answerOf(this.model, method === 'stream', reported));
  }

  /** Sets the embedding that the next request gets. */
  answerVector(vector: readonly number[]): void {
    const reported = this.options.usage === false ? { usage: undefined } : {};
    this.server.reply(embeddingsOf(this.model, { embeddings: [vector], ...reported }));
  }

  fail(code: ScriptedErrorCode): void {
    this.server.reply(errorOf(code));
  }

  silence(method: AnswerMethod): void {
    this.server.reply({ type: 'silence', streamed: method === 'stream' });
  }

  /** Adds a limiter, and makes calls until its budget is spent; returns the number of requests. */
  async spendAll(method: AnswerMethod): Promise<number> {
    const { callbacks, server, recording } = this;
    let maxInput = 0;
    callbacks.on('llm.start', ({ estimate }) => void (maxInput = estimate.inputTokens));
    this.answer(method);
    await this.call(method);
    const { cost } = await this.end('llm.end');
    assert.ok(cost, 'The call has no cost.');
    // Enough for one call at least, whatever its usage is; output costs nothing.
    const maxCost = cost / 2 + (maxInput * DOLLARS_PER_MILLION) / MILLION;
    const limiter = new CostLimiter({ maxCost });
    callbacks.add(limiter);
    while ((await limiter.usage()).used < maxCost) {
      const sent = server.requests.length;
      this.answer(method);
      await this.call(method);
      assert.equal(server.requests.length, sent + 1, 'One call must be one request.');
      assert.equal(recording.of('llm.end').length, sent + 1, 'A call is no run.');
    }
    return server.requests.length;
  }

  /** Calls the model; returns the text of the answer. */
  call(method: AnswerMethod, signal: AbortSignal = this.#aborter.signal): Promise<string> {
    const calling =
      method === 'generate'
        ? this.caller.generate('Hi', { signal })
        : textOf(this.caller.stream('Hi', { signal }));
    return this.kit.inTime('the call does not settle', calling);
  }

  /** Asks for the embedding of a text. */
  embed(): Promise<readonly number[]> {
    const embedding = this.caller.embed?.('Hi', { signal: this.#aborter.signal });
    assert.ok(embedding, 'It has no embed(), but the option `embeddings` says so.');
    return this.kit.inTime('the call does not settle', embedding);
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
