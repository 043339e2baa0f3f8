import { LlmAbortedError, LlmResponseError } from '../errors/llm-errors.js';
import type { EventOrigin } from '../events/event.js';
import type { ClientScope } from '../handlers/handler-scope.js';
import { embed, embedOnce, EmbeddingCall } from '../llm/call/embedding-call.js';
import { generate, StreamedCall } from '../llm/call/execute.js';
import { LlmCall } from '../llm/call/llm-call.js';
import type { LlmRuntime } from '../llm/call/model-call.js';
import { StreamReader } from '../llm/call/stream-reader.js';
import type { ClientServer, LlmClient } from '../llm/client.js';
import { parsedOrText } from '../llm/providers/shared/error-body.js';
import { toLlmError } from '../llm/providers/shared/map-error.js';
import { isObject, type WireObject } from '../llm/providers/shared/wire-values.js';
import { READER_LEFT } from '../runs/active-run.js';
import type { RunContext } from '../runs/request-context.js';
import type { RunFactory } from '../runs/run-factory.js';
import type { Run } from '../runs/run.js';
import { AnswerFeed } from './answer-feed.js';
import { attemptError } from './attempt-error.js';
import type { Endpoint } from './endpoints.js';
import { ObservedAnswer } from './observed-answer.js';
import { failureOf, type PassedCall } from './observed-body.js';
import { passThrough } from './observed-response.js';

/** What the calls of an observed client share. */
export interface ObservedClient {
  readonly runtime: LlmRuntime;
  readonly runs: RunFactory;
  readonly origin: EventOrigin;
  readonly scope: ClientScope;
  readonly label: string;
  readonly context: Pick<RunContext, 'tags' | 'metadata'>;
  readonly usage: 'estimate' | 'ask';
  /** After how long an answer that nobody reads is cancelled. */
  readonly unreadMs: number;
}

/** One request of a foreign client, with its retries. */
export interface ForeignRequest {
  readonly endpoint: Endpoint;
  readonly body: WireObject;
  /** The server that is called. */
  readonly server: ClientServer;
  readonly signal: AbortSignal | undefined;
  readonly maxRetries: number;
  /** Whether the client sends a failed request again. */
  shouldRetry(response: Response): boolean | Promise<boolean>;
}

const EVENT_STREAM = { 'content-type': 'text/event-stream' };
const JSON_ANSWER = { 'content-type': 'application/json' };

/** Sends an attempt, which `stop` aborts. */
type Send = (stop: AbortController) => Promise<Response>;

/** How an attempt ended; `failed` is the error of the run. */
type Outcome = { response: Response } | { thrown: unknown } | { failed: unknown };

/** A logical call of a foreign client: a run of this library, whose answer is what that client receives. */
export class ObservedCall implements PassedCall {
  readonly feed = new AnswerFeed();
  readonly streaming: boolean;
  isRead = false;
  readonly #answer: ObservedAnswer;
  #done: Promise<unknown> | undefined;
  #stop: (() => void) | undefined;
  #started: Run | undefined;
  #isDone = false;
  #failure: { readonly error: unknown } | undefined;
  #unsent: NodeJS.Timeout | undefined;
  #attempt: AbortController | undefined;
  #attempts = 0;
  /** Whether an attempt failed that counted as the last one. */
  #isGivenUp = false;
  #last: { readonly error: Error; readonly at: number } | undefined;

  constructor(
    private readonly client: ObservedClient,
    private readonly request: ForeignRequest,
  ) {
    this.streaming = request.endpoint.kind === 'llm' && request.body['stream'] === true;
    this.#answer = new ObservedAnswer(client.label, request.endpoint);
  }

  get done(): Promise<unknown> {
    return this.#done!;
  }

  isOfAnswer(error: unknown): boolean {
    return error === this.#answer.thrown;
  }

  /** Starts the run. Settles when the request may be sent, or rejects with what refused it. */
  async open(): Promise<void> {
    const done = (this.#done = this.#run());
    done.then(
      () => (this.#isDone = true),
      (error: unknown) => {
        this.#isDone = true;
        this.#failure = { error };
      },
    );
    try {
      await Promise.race([this.#answer.asked, done]);
      this.#expectAttempt();
    } catch (error) {
      // The client throws its own error of an abort.
      if (!this.request.signal?.aborted) throw error;
    }
  }

  /** The client could not send the request. */
  async refused(error: unknown): Promise<never> {
    await this.#fail(this.#toError(error));
    throw error;
  }

  /**
   * Sends one attempt; returns the answer for the client.
   *
   * @param isTriedAgain whether the client sends the request again after this error, if retries are left
   */
  async send(attempt: Send, isTriedAgain = (_thrown: unknown) => true): Promise<Response> {
    clearTimeout(this.#unsent);
    // The client did not give up, so that it gets its answer, although the run is over.
    if (this.#isGivenUp) return attempt(new AbortController());
    await this.#begin();
    const outcome = await this.#outcomeOf(attempt);
    if ('failed' in outcome) return failingResponse(outcome.failed, this.streaming);
    if ('thrown' in outcome) {
      const { thrown } = outcome;
      if (this.#failure === undefined)
        await this.#attemptFailed(this.#toError(thrown), isTriedAgain(thrown));
      throw thrown;
    }
    const { response } = outcome;
    if (!response.ok) return this.#rejected(response);
    const { headers, body } = response;
    if (typeof body?.getReader !== 'function') {
      const message = `${this.client.label} sent an answer whose body is no web stream, so that it is not observed.`;
      await this.#fail(new LlmResponseError(message));
      return response;
    }
    this.#answer.arrived({ headers, feed: this.feed });
    // Clients do not read a body of which they know that it is empty.
    if (headers.get('content-length') !== '0') return passThrough(response, body, this);
    void this.feed.end();
    await this.done.catch(() => undefined);
    return response;
  }

  /** A run that fails stops its attempt; an abort by the caller is the client's own. */
  async #outcomeOf(attempt: Send): Promise<Outcome> {
    const { signal } = this.request;
    if (this.#isDone && !signal?.aborted) return this.#stopped();
    const stop = (this.#attempt = new AbortController());
    return new Promise((resolve) => {
      let isSettled = false;
      const settle = (outcome: Outcome) => {
        isSettled = true;
        resolve(outcome);
      };
      this.#inRun(() => attempt(stop)).then(
        (response) =>
          settle(
            isObject(response)
              ? { response }
              : { thrown: new TypeError('fetch gave no response.') },
          ),
        (thrown: unknown) => settle({ thrown }),
      );
      const stopped = () => {
        if (isSettled || signal?.aborted) return;
        resolve(this.#stopped());
        stop.abort(this.#failure?.error ?? new LlmAbortedError(READER_LEFT));
      };
      this.done.then(stopped, stopped);
    });
  }

  /** The request belongs to what the run is bound to; the client's own code does not. */
  #inRun<R>(send: () => R): R {
    return this.#started === undefined ? send() : this.#started.bound(send);
  }

  /** A run without an answer has failed, or its stream was cancelled: its reader gets the end. */
  #stopped(): Outcome {
    if (this.#failure !== undefined) return { failed: this.#failure.error };
    return { response: new Response('', { headers: EVENT_STREAM }) };
  }

  get unreadMs(): number {
    return this.client.unreadMs;
  }

  get isAborted(): boolean {
    return this.request.signal?.aborted === true;
  }

  left(): void {
    this.#stop?.();
    this.feed.leave();
  }

  stop(): void {
    this.#attempt?.abort();
  }

  async #begin(): Promise<void> {
    this.#attempts++;
    if (this.#last === undefined) return;
    const { error, at } = this.#last;
    this.#last = undefined;
    const { onRetry } = await this.#answer.asked;
    onRetry({ error, delayMs: performance.now() - at });
  }

  async #rejected(response: Response): Promise<Response> {
    const { status, headers } = response;
    const isRetryable = await this.request.shouldRetry(response);
    // A client that tries again does not read the body, which may never end.
    const body = this.#isLast(isRetryable) ? await this.#bodyOf(response) : undefined;
    await this.#attemptFailed(
      toLlmError(this.client.label, { status, headers, error: body }),
      isRetryable,
    );
    return response;
  }

  /** The body of a refusal, which its client still reads; not waited for once the run has ended. */
  #bodyOf(response: Response): Promise<unknown> {
    const reading = textOf(response).then((text) => (text === '' ? undefined : parsedOrText(text)));
    return Promise.race([reading, this.done.catch(() => undefined)]);
  }

  /** Whether the client will not send the request again. */
  #isLast(isRetryable: boolean): boolean {
    const { signal, maxRetries } = this.request;
    return !isRetryable || this.#attempts > maxRetries || signal?.aborted === true;
  }

  /** Ends the run, unless the client will send the request again. */
  async #attemptFailed(error: Error, isRetryable: boolean): Promise<void> {
    if (!this.#isLast(isRetryable)) {
      this.#last = { error, at: performance.now() };
      this.#expectAttempt();
      return;
    }
    this.#isGivenUp = true;
    await this.#fail(error);
  }

  #toError(thrown: unknown): Error {
    return attemptError(this.client.label, thrown);
  }

  async #fail(error: Error): Promise<void> {
    this.#answer.failed(error);
    await this.done.catch(() => undefined);
  }

  /** A client may give up without saying so. */
  #expectAttempt(): void {
    const giveUp = () =>
      this.#answer.failed(new LlmAbortedError('The client did not send the request.'));
    this.#unsent = setTimeout(giveUp, this.unreadMs).unref();
  }

  #run(): Promise<unknown> {
    const { client, request } = this;
    const { endpoint, body, signal } = request;
    const { runtime } = client;
    const options = signal === undefined ? {} : { signal };
    if (endpoint.kind === 'embedding') {
      const asked = endpoint.decodeRequest(body);
      const spec = { client: this.#clientOf(asked.model), request: asked, options };
      const call = new EmbeddingCall(
        this.#newRun(asked.model),
        { ...spec, streaming: false },
        runtime,
      );
      this.#stop = () => call.abort(new LlmAbortedError(READER_LEFT));
      // What the client sends is one request, also with no texts or with very many.
      return embed(() => call, embedOnce);
    }
    const asked = endpoint.decodeRequest(body, client.label);
    const { streaming } = this;
    const call = new LlmCall(
      this.#newRun(asked.model),
      {
        client: this.#clientOf(asked.model),
        request: asked,
        options,
        streaming,
        schema: undefined,
      },
      runtime,
    );
    if (!streaming) {
      this.#stop = () => call.abort(new LlmAbortedError(READER_LEFT));
      return generate(() => call);
    }
    const reader = new StreamReader(new StreamedCall(call));
    this.#stop = () => void reader.dispose();
    return reader.readNow();
  }

  #clientOf(model: string): LlmClient {
    const { scope, label } = this.client;
    const { server } = this.request;
    return { ...scope, label, model, embeddingModel: model, provider: this.#answer, server };
  }

  #newRun(model: string): Run {
    const { runs, scope, context, label, origin } = this.client;
    return (this.#started = runs.create({
      client: scope,
      context,
      provider: label,
      model,
      origin,
    }));
  }
}

/** An answer whose body fails: clients do not retry it, and throw the error itself. */
export function failingResponse(error: unknown, streaming: boolean): Response {
  const failure = failureOf(error, streaming);
  const body = new ReadableStream({ start: (controller) => controller.error(failure) });
  return new Response(body, { status: 200, headers: streaming ? EVENT_STREAM : JSON_ANSWER });
}

/** The body of a refusal, which its client still reads. */
async function textOf(response: Response): Promise<string> {
  try {
    return await response.clone().text();
  } catch {
    return '';
  }
}
