import { createHash } from 'node:crypto';
import {
  CallbacksConfigurationError,
  CallbacksError,
  type EmbedRequest,
  type EmbedResult,
  type LlmChunk,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
  type LlmResponse,
  LlmServerError,
  type ProviderResult,
  type ToolCall,
  UNREPORTED_USAGE,
} from '../index.js';
import { brand } from '../util/brand.js';

/** A tool call of a fake model; omitted fields are generated. */
export type FakeToolCall = Pick<ToolCall, 'name'> & Partial<ToolCall>;

/**
 * The answer of a fake model: a text, a partial response, or an error that fails the call: an error of this package
 * unchanged, any other as the cause of an `LlmServerError`.
 */
export type FakeAnswer =
  string | Error | (Partial<Omit<ProviderResult, 'toolCalls'>> & { toolCalls?: FakeToolCall[] });

/** Answers a request; `number` counts requests from 1. */
export type FakeAnswering = (
  request: LlmRequest,
  number: number,
) => FakeAnswer | Promise<FakeAnswer>;

/**
 * An `LlmProvider` that returns prepared answers, one per request, or the results of a function, and records its
 * requests. Use it in place of a provider, with `forRoot({ llm: { provider } })` or `overrideLlm()`, not in place of an
 * `LlmService`.
 *
 * @example
 * ```ts
 * const fake = new FakeLlm(['Hello!', new Error('down')]);
 * CallbacksModule.forRoot({ llm: { provider: fake, model: 'fake' } });
 * ```
 */
export class FakeLlm implements LlmProvider {
  static {
    brand(this, 'class:FakeLlm');
  }

  readonly name = 'fake';
  /** The requests so far. */
  readonly requests: LlmRequest[] = [];
  /** The requests for embeddings so far. */
  readonly embedRequests: EmbedRequest[] = [];
  readonly #answer: FakeAnswering;

  constructor(answers: readonly FakeAnswer[] | FakeAnswering = []) {
    this.#answer = typeof answers === 'function' ? answers : inTurn([...answers]);
  }

  async generate(request: LlmRequest, context: LlmProviderContext): Promise<ProviderResult> {
    checkRequest(request);
    context.signal.throwIfAborted();
    const number = this.requests.push(request);
    const answer = await this.#answer(request, number);
    if (answer instanceof CallbacksError) throw answer;
    if (answer instanceof Error) throw new LlmServerError(answer.message, { cause: answer });
    return toResult(typeof answer === 'string' ? { text: answer } : answer, number, request.model);
  }

  /** Streams text word by word, and each tool call in two chunks. */
  stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult> {
    checkRequest(request);
    return this.#pieces(request, context);
  }

  /** Returns the same vector for the same text: 8 numbers, or `dimensions`, from a hash; its length is 1. */
  async embed(request: EmbedRequest, context: LlmProviderContext): Promise<EmbedResult> {
    if (!Array.isArray((Object(request) as Partial<EmbedRequest>).input)) throw calledAsService();
    context.signal.throwIfAborted();
    this.embedRequests.push(request);
    const { input, dimensions = DIMENSIONS, model } = request;
    const embeddings = input.map((text) => vectorOf(text, dimensions));
    return { embeddings, model, usage: UNREPORTED_USAGE };
  }

  async *#pieces(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncGenerator<LlmChunk | ProviderResult> {
    const result = await this.generate(request, context);
    for (const text of result.text.match(/\s*\S+\s*$|\s*\S+/g) ?? []) yield { type: 'text', text };
    for (const [index, { id, name, argsText }] of result.toolCalls.entries()) {
      yield { type: 'tool-call', index, id, name, argsDelta: '' };
      yield { type: 'tool-call', index, argsDelta: argsText };
    }
    yield result;
  }
}

const DIMENSIONS = 8;
const BYTES_PER_NUMBER = 4;
const NUMBERS_PER_HASH = 8;

/** A unit vector from the hash of a text. */
function vectorOf(text: string, dimensions: number): number[] {
  const numbers: number[] = [];
  for (let block = 0; numbers.length < dimensions; block++) {
    const hash = createHash('sha256').update(`${block}:${text}`).digest();
    for (let i = 0; i < NUMBERS_PER_HASH && numbers.length < dimensions; i++)
      numbers.push(hash.readInt32LE(i * BYTES_PER_NUMBER));
  }
  const length = Math.sqrt(numbers.reduce((sum, number) => sum + number ** 2, 0));
  return numbers.map((number) => number / length);
}

function inTurn(answers: readonly FakeAnswer[]): FakeAnswering {
  return (_request, number) => {
    const answer = answers[number - 1];
    if (answer !== undefined) return answer;
    throw new LlmServerError(
      `FakeLlm got request ${number} but has ${answers.length} answers: give it more.`,
    );
  };
}

/** Detects use as a service: a service is called with a prompt or with messages, a provider with a request. */
function checkRequest(request: LlmRequest): void {
  const { messages } = Object(request) as Partial<LlmRequest>;
  if (!Array.isArray(messages)) throw calledAsService();
}

function calledAsService(): CallbacksConfigurationError {
  return new CallbacksConfigurationError(
    'FakeLlm was called as an LlmService, but is a provider, which an LlmService asks. Do not override LlmService or getLlmToken(name) with it: use overrideLlm(builder, new FakeLlm([…]), name), so that callbacks, limits and agents act as with the model.',
  );
}

function toResult(
  answer: Exclude<FakeAnswer, string | Error>,
  number: number,
  model: string,
): ProviderResult {
  const { text = '', toolCalls: given = [], ...rest } = answer;
  const toolCalls = given.map((call, index): ToolCall => {
    const { args = {}, argsText = JSON.stringify(args) } = call;
    return { id: `call_${number}_${index}`, ...call, args, argsText };
  });
  return {
    id: `fake_${number}`,
    model,
    text,
    message: { role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) },
    toolCalls,
    finishReason: toolCalls.length > 0 ? 'tool-calls' : 'stop',
    usage: UNREPORTED_USAGE,
    ...rest,
  };
}

/** A complete `LlmResponse` from the fields that a test needs. */
export function fakeLlmResponse(partial: Partial<LlmResponse> = {}): LlmResponse {
  const { text = '', toolCalls = [] } = partial;
  return {
    id: 'fake_1',
    provider: 'fake',
    model: 'fake',
    text,
    message: { role: 'assistant', content: text, ...(toolCalls.length > 0 && { toolCalls }) },
    toolCalls,
    finishReason: toolCalls.length > 0 ? 'tool-calls' : 'stop',
    usage: { ...UNREPORTED_USAGE, source: 'provider' },
    cost: 0,
    durationMs: 0,
    attempts: [],
    ...partial,
  };
}
