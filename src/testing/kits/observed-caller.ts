import type { CallbacksService, EventOrigin } from '../../index.js';
import type { KitOptions } from './kit.js';

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
  /**
   * Sends one request for the embedding of a text, without a retry, and returns its vector. The same as for
   * {@link generate} holds, with the events `embedding.start`, `embedding.end` and `embedding.error`. Tested with the
   * option `embeddings: true`.
   */
  embed?(text: string, options?: ObservedCallOptions): Promise<readonly number[]>;
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
  /**
   * `false`: the server reports no usage, so that it is estimated.
   * @default true
   */
  usage?: boolean;
  /**
   * An answer may have tool calls, which are in the events; the text that the caller returns is not looked at.
   * @default false
   */
  tools?: boolean;
  /**
   * The code has `embed()`, and the server answers with embeddings.
   * @default false
   */
  embeddings?: boolean;
}
