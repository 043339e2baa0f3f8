import { CallbacksConfigurationError } from '../../errors/callbacks-error.js';
import {
  LlmInvalidRequestError,
  LlmModelNotFoundError,
  LlmResponseError,
} from '../../errors/llm-errors.js';
import {
  EmbeddingEndEvent,
  EmbeddingErrorEvent,
  EmbeddingStartEvent,
} from '../../events/embedding.events.js';
import type { CallbackEvent } from '../../events/event-map.js';
import type { Run } from '../../runs/run.js';
import type { EmbedRequest, EmbedResponse, EmbedResult } from '../../types/llm.js';
import { NO_USAGE, toUsage } from '../../types/usage.js';
import { isTimeoutMs, TIMEOUT_RULE } from '../../util/promises.js';
import { faultOf } from '../check-llm-options.js';
import { type LlmClient, serverOf } from '../client.js';
import type { EmbedOptions } from '../llm-options.js';
import { estimateTokens, minTokensOf, type RequestMeasure } from './estimate.js';
import { ask } from './interceptor-chain.js';
import type { ModelTarget } from './metering.js';
import {
  type LlmRuntime,
  ModelCall,
  type ModelCallSpec,
  type ModelFailure,
  type ModelKind,
} from './model-call.js';

/** The limits of OpenAI for one request, https://platform.openai.com/docs/api-reference/embeddings */
const MAX_TEXTS = 2_048;
const MAX_TOKENS = 300_000;

/** The embeddings of a provider, or what interceptors returned. */
type EmbedAnswer = EmbedResult & Partial<Pick<EmbedResponse, 'provider' | 'cached'>>;

type Target = ModelTarget<EmbedRequest>;

const MEASURE: RequestMeasure<EmbedRequest> = {
  maxInputTokens: ({ input }) => sumOver(input, (text) => Buffer.byteLength(text)),
  minInputTokens: ({ input }) => minTokensOf(sumOver(input, (text) => Buffer.byteLength(text))),
  inputTokens: ({ input }) => sumOver(input, estimateTokens),
  maxOutputTokens: () => 0,
};

/** Embeddings of texts. */
const EMBEDDINGS: ModelKind<EmbedRequest, EmbedAnswer, EmbedResponse> = {
  name: 'embedding',
  start: 'embedding.start',
  interceptors: 'intercept.embedding',
  measure: MEASURE,
  modelOf({ name = 'default', embeddingModel, provider }) {
    if (embeddingModel !== undefined && provider.embed !== undefined) return embeddingModel;
    throw new LlmModelNotFoundError(
      `The client "${name}" does not embed texts: it has no llm.embeddingModel, or its provider has no embed().`,
    );
  },
  send(provider, request, context) {
    if (provider.embed !== undefined) return provider.embed(request, context);
    throw new LlmModelNotFoundError(`The provider "${provider.name}" does not embed texts.`);
  },
  checkResult({ client, request }, given) {
    const { embeddings, model, usage } = checkedVectors(client.label, request, given);
    return { embeddings, model: model || request.model, usage: toUsage(usage) };
  },
  checkAnswer(interceptor, { client, request }, given) {
    const { embeddings, model, usage, provider, cached } = Object(given) as Partial<EmbedAnswer> &
      Pick<EmbedAnswer, 'embeddings'>;
    const fault = faultOfVectors(embeddings, request);
    if (fault !== undefined) {
      throw new CallbacksConfigurationError(
        `${interceptor} gave ${fault}: return what next() gives, or an object with embeddings, a vector for each text of the request.`,
      );
    }
    return {
      embeddings,
      model: model || request.model,
      usage: toUsage(usage ?? NO_USAGE),
      provider: provider ?? client.label,
      ...(cached !== undefined && { cached }),
    };
  },
  toResponse({ embeddings, model, provider, cached }, label, { usage, cost }, facts) {
    return {
      embeddings,
      model,
      provider: provider ?? label,
      dimensions: embeddings[0]?.length ?? 0,
      usage,
      cost,
      durationMs: facts.durationMs,
      attempts: facts.attempts,
      ...(facts.limiterWaitMs !== undefined && { limiterWaitMs: facts.limiterWaitMs }),
      ...(cached !== undefined && { cached }),
    };
  },
};

/** One call that embeds texts: from its start event, through its requests, to its one terminal event. */
export class EmbeddingCall extends ModelCall<EmbedRequest, EmbedAnswer, EmbedResponse> {
  readonly place = undefined;

  constructor(run: Run, spec: ModelCallSpec<EmbedRequest>, runtime: LlmRuntime) {
    super(run, EMBEDDINGS, spec, runtime, false);
  }

  protected newStartEvent(): EmbeddingStartEvent {
    const { input, dimensions } = this.spec.request;
    const estimate = () => this.meter.estimate(this.spec);
    const server = () => serverOf(this.spec.client);
    return new EmbeddingStartEvent(this.run, { input, dimensions, estimate, server });
  }

  protected newEndEvent(response: EmbedResponse, sent: Target | undefined): CallbackEvent {
    return new EmbeddingEndEvent(this.run, response, sent);
  }

  protected newErrorEvent(failure: ModelFailure, sent: Target | undefined): CallbackEvent {
    return new EmbeddingErrorEvent(this.run, failure, sent);
  }

  /** There is no event of retries; the attempts are in the terminal event. */
  retrying(): void {}
}

/** Runs a call from its start event to its terminal event; by default, it sends as many requests as its texts need. */
export async function embed(
  open: () => EmbeddingCall,
  send: (call: EmbeddingCall) => Promise<EmbedAnswer> = embedAll,
): Promise<EmbedResponse> {
  const call = open();
  try {
    const starting = call.start();
    if (starting !== undefined) await starting;
    const response = call.complete({ result: await send(call) });
    return response instanceof Promise ? await response : response;
  } catch (error) {
    return call.complete({ error });
  }
}

/** Sends one request, whatever its texts. */
export function embedOnce(call: EmbeddingCall): Promise<EmbedAnswer> {
  return ask(call, call.spec.request);
}

/** Sends as many requests as the texts need, one after the other. */
async function embedAll(call: EmbeddingCall): Promise<EmbedAnswer> {
  const { request } = call.spec;
  const batches = batchesOf(request.input);
  if (batches.length === 1) return ask(call, request);
  const answers: EmbedAnswer[] = [];
  for (const input of batches) answers.push(await ask(call, { ...request, input }));
  return joined(answers, request);
}

/** The texts in lists that each fit into one request, in their order. */
function batchesOf(input: readonly string[]): string[][] {
  const batches: string[][] = [];
  let tokens = Infinity;
  for (const text of input) {
    const ofText = estimateTokens(text);
    const batch = batches.at(-1);
    tokens += ofText;
    if (batch !== undefined && batch.length < MAX_TEXTS && tokens <= MAX_TOKENS) {
      batch.push(text);
    } else {
      batches.push([text]);
      tokens = ofText;
    }
  }
  return batches;
}

/** The answers to the requests of one call as one answer: vectors of different models cannot be compared. */
function joined(answers: readonly EmbedAnswer[], { model }: EmbedRequest): EmbedAnswer {
  const [first = { embeddings: [], model, usage: toUsage(NO_USAGE) }] = answers;
  const isOther = (answer: EmbedAnswer) =>
    answer.model !== first.model ||
    answer.provider !== first.provider ||
    answer.embeddings[0]?.length !== first.embeddings[0]?.length;
  if (answers.some(isOther)) {
    throw new LlmResponseError(
      'The texts needed several requests, which different models answered, so that their vectors cannot be compared: embed fewer texts in one call.',
    );
  }
  const embeddings = answers.flatMap((answer) => answer.embeddings);
  const { cached: _, ...rest } = first;
  const isCached = answers.length > 0 && answers.every(({ cached }) => cached === true);
  return { ...rest, embeddings, ...(isCached && { cached: true }) };
}

/** The result of a provider, if it has a vector for each text. */
export function checkedVectors(label: string, request: EmbedRequest, given: unknown): EmbedResult {
  const result = Object(given) as EmbedResult;
  const fault = result.usage ? faultOfVectors(result.embeddings, request) : 'no usage';
  if (fault !== undefined) throw new LlmResponseError(`The provider "${label}" gave ${fault}.`);
  return result;
}

/** What is wrong with the vectors of an answer, which must be a vector for each text, all of one length. */
function faultOfVectors(given: unknown, { input }: EmbedRequest): string | undefined {
  if (!Array.isArray(given)) return 'no embeddings';
  if (given.length !== input.length) return `${given.length} embeddings instead of ${input.length}`;
  const { length } = Object(given[0]) as Partial<readonly unknown[]>;
  for (const vector of given as unknown[]) {
    if (!Array.isArray(vector) || vector.length === 0) return 'an embedding without numbers';
    if (vector.length !== length) return 'embeddings of different lengths';
    for (const number of vector)
      if (!Number.isFinite(number)) return 'an embedding with something that is no finite number';
  }
  return undefined;
}

/**
 * The request for embeddings of one or more texts, checked as far as possible here; its list is a copy.
 *
 * @throws CallbacksConfigurationError if no model is named
 * @throws LlmInvalidRequestError
 */
export function toEmbedRequest(
  input: string | readonly string[],
  options: EmbedOptions,
  { provider, label, embeddingModel }: LlmClient,
): EmbedRequest {
  if (typeof provider.embed !== 'function')
    refuse(`The provider "${label}" does not embed texts: call embed of a client that does.`);
  const { model = embeddingModel, dimensions, timeoutMs, providerOptions } = options;
  if (model === undefined) {
    throw new CallbacksConfigurationError(
      'This client has no model that embeds texts: give llm.embeddingModel, or a model with the call.',
    );
  }
  const fault = faultOf(options);
  if (fault !== undefined) refuse(fault);
  if (timeoutMs !== undefined && !isTimeoutMs(timeoutMs)) refuse(TIMEOUT_RULE);
  if (dimensions !== undefined && !(Number.isInteger(dimensions) && dimensions > 0))
    refuse('dimensions must be a whole number above 0; leave it out for the number of the model.');
  const request: EmbedRequest = { model, input: toTexts(input) };
  if (dimensions !== undefined) request.dimensions = dimensions;
  if (providerOptions !== undefined) request.providerOptions = providerOptions;
  return request;
}

function toTexts(input: unknown): string[] {
  const texts: unknown[] = Array.isArray(input) ? Array.from(input) : [input];
  return texts.map((text, index) => {
    const place = Array.isArray(input) ? `texts[${index}]` : 'The text';
    if (typeof text !== 'string') refuse(`${place} must be a text.`);
    if (text === '') refuse(`${place} is empty: there is nothing to embed.`);
    return text;
  });
}

function sumOver(texts: readonly string[], measure: (text: string) => number): number {
  return texts.reduce((sum, text) => sum + measure(text), 0);
}

function refuse(message: string): never {
  throw new LlmInvalidRequestError(message);
}
