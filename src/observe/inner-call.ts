import { LlmResponseError } from '../errors/llm-errors.js';
import type { LlmProviderContext } from '../llm/llm-provider.js';
import { toLlmError } from '../llm/providers/shared/map-error.js';
import type { WireObject } from '../llm/providers/shared/wire-values.js';
import type { InnerRequest, InnerRequests } from '../runs/run-context.js';
import type { ProviderResult } from '../types/llm.js';
import { defer } from '../util/promises.js';
import { AnswerFeed } from './answer-feed.js';
import { attemptError } from './attempt-error.js';
import type { Endpoint } from './endpoints.js';
import type { LayeredCall } from './layers.js';
import { ObservedAnswer } from './observed-answer.js';
import type { PassedCall } from './observed-body.js';
import type { ObservedClient } from './observed-call.js';
import { passThrough } from './observed-response.js';

/**
 * A request of a foreign client inside of a call of this library: no run of its own. What its server counts, its
 * failed attempts and the id of its answer are added to those of the call.
 */
export class InnerCall implements LayeredCall {
  private constructor(
    private readonly client: ObservedClient,
    private readonly endpoint: Endpoint,
    private readonly body: WireObject,
    private readonly requests: InnerRequests,
  ) {}

  /** `undefined` if the surrounding call needs nothing of the request. */
  static of(client: ObservedClient, endpoint: Endpoint, body: WireObject): InnerCall | undefined {
    const { innerRequests } = client.runs;
    // Embeddings that an LLM call searches with have other prices.
    if (innerRequests?.kind !== endpoint.kind) return undefined;
    return new InnerCall(client, endpoint, body, innerRequests);
  }

  async send(attempt: (stop: AbortController) => Promise<Response>): Promise<Response> {
    const { label } = this.client;
    const request = this.requests.sent();
    const stop = new AbortController();
    let response: Response;
    try {
      response = await attempt(stop);
    } catch (thrown) {
      request.failed(attemptError(label, thrown));
      throw thrown;
    }
    // A foreign `fetch` may give anything.
    const { ok, status, headers, body } = Object(response) as Partial<Response>;
    if (ok === false) request.failed(toLlmError(label, { status, headers }));
    if (ok !== true || headers === undefined || typeof body?.getReader !== 'function')
      return response;
    return passThrough(response, body, this.#answer(request, headers, stop));
  }

  #answer(request: InnerRequest, headers: Headers, stop: AbortController): PassedCall {
    const { endpoint, body, client } = this;
    const streaming = endpoint.kind === 'llm' && body['stream'] === true;
    const feed = new AnswerFeed();
    const left = defer<void>();
    const reading = this.#read(request, { headers, feed }, streaming).finally(() => feed.leave());
    // Nothing of what is wrong with the answer is an error of the caller.
    const done = Promise.race([reading, left.promise]);
    done.catch(() => undefined);
    return {
      feed,
      streaming,
      done,
      isOfAnswer: () => true,
      unreadMs: client.unreadMs,
      isAborted: false,
      isRead: false,
      left: () => left.resolve(),
      stop: () => stop.abort(),
    };
  }

  /** Decodes the answer as its bytes pass. */
  async #read(
    request: InnerRequest,
    answer: { headers: Headers; feed: AnswerFeed },
    streaming: boolean,
  ): Promise<void> {
    const { endpoint, body, client } = this;
    const { label } = client;
    const observed = new ObservedAnswer(label, endpoint);
    observed.arrived(answer);
    const context = this.#context(request);
    if (endpoint.kind === 'embedding') {
      const { usage } = await observed.embed(endpoint.decodeRequest(body), context);
      return request.counted(usage);
    }
    const asked = endpoint.decodeRequest(body, label);
    if (!streaming) return note(request, await observed.generate(asked, context));
    for await (const item of observed.stream(asked, context))
      if (!('type' in item)) return note(request, item);
    throw new LlmResponseError(`${label} sent no complete answer.`);
  }

  #context(request: InnerRequest): LlmProviderContext {
    return {
      context: this.client.runs.frame().context,
      signal: new AbortController().signal,
      collect: false,
      onRetry: () => undefined,
      onUsage: request.counted,
      onModel: request.answeredBy,
    };
  }
}

function note(request: InnerRequest, { id, usage }: ProviderResult): void {
  request.counted(usage);
  request.identified(id);
}
