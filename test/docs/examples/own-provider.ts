import {
  LlmOverloadedError,
  UNREPORTED_USAGE,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
  type ProviderResult,
} from 'nestjs-llm-callbacks';

/** Says everything twice. */
export class Parrot implements LlmProvider {
  readonly name = 'parrot';
  asleep = false;

  async generate(request: LlmRequest, { signal }: LlmProviderContext): Promise<ProviderResult> {
    signal.throwIfAborted();
    if (this.asleep) throw new LlmOverloadedError('The parrot sleeps: call again later.');
    const said = request.messages.at(-1)?.content;
    const text = typeof said === 'string' ? `${said} ${said}` : '';
    return {
      id: 'parrot-1',
      model: request.model,
      text,
      message: { role: 'assistant', content: text },
      toolCalls: [],
      finishReason: 'stop',
      usage: UNREPORTED_USAGE, // it counts nothing, so usage is estimated
    };
  }

  async *stream(request: LlmRequest, context: LlmProviderContext) {
    const result = await this.generate(request, context);
    for (const text of result.text.split(/(?= )/)) {
      context.signal.throwIfAborted();
      yield { type: 'text' as const, text };
    }
    yield result; // the last item is the whole answer
  }
}
