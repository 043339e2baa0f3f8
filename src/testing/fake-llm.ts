import {
  LlmServerError,
  UNREPORTED_USAGE,
  type LlmChunk,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
  type ProviderResult,
  type ToolCall,
} from '../index.js';

/** A tool call that a fake model makes; what is left out is made up. */
export type FakeToolCall = Pick<ToolCall, 'name'> & Partial<ToolCall>;

/** What a fake model answers: a text, more of an answer, or an error that the call fails with. */
export type FakeAnswer =
  string | Error | (Partial<Omit<ProviderResult, 'toolCalls'>> & { toolCalls?: FakeToolCall[] });

/**
 * An `LlmProvider` that gives prepared answers, one a request, and keeps what it was asked.
 *
 * @example
 * ```ts
 * const fake = new FakeLlm(['Hello!', new Error('down')]);
 * CallbacksModule.forRoot({ llm: { provider: fake, model: 'fake' } });
 * ```
 */
export class FakeLlm implements LlmProvider {
  readonly name = 'fake';
  /** The requests so far. */
  readonly requests: LlmRequest[] = [];
  readonly #answers: FakeAnswer[];

  constructor(answers: readonly FakeAnswer[] = []) {
    this.#answers = [...answers];
  }

  async generate(request: LlmRequest, { signal }: LlmProviderContext): Promise<ProviderResult> {
    signal.throwIfAborted();
    const number = this.requests.push(request);
    const answer = this.#answers[number - 1];
    if (answer === undefined) {
      throw new LlmServerError(
        `FakeLlm got request ${number} but has ${this.#answers.length} answers: give it more.`,
      );
    }
    if (answer instanceof Error) throw new LlmServerError(answer.message, { cause: answer });
    return toResult(typeof answer === 'string' ? { text: answer } : answer, number, request.model);
  }

  /** Streams text word by word, and each tool call in two pieces. */
  async *stream(
    request: LlmRequest,
    context: LlmProviderContext,
  ): AsyncIterable<LlmChunk | ProviderResult> {
    const result = await this.generate(request, context);
    for (const text of result.text.match(/\s*\S+\s*$|\s*\S+/g) ?? []) yield { type: 'text', text };
    for (const [index, { id, name, argsText }] of result.toolCalls.entries()) {
      yield { type: 'tool-call', index, id, name, argsDelta: '' };
      yield { type: 'tool-call', index, argsDelta: argsText };
    }
    yield result;
  }
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
