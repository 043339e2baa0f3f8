import {
  LlmAuthenticationError,
  LlmConnectionError,
  LlmInvalidRequestError,
  LlmOverloadedError,
  LlmPermissionError,
  LlmRateLimitError,
  LlmResponseError,
  LlmServerError,
  UNREPORTED_USAGE,
  type LlmChunk,
  type LlmProvider,
  type LlmProviderContext,
  type LlmRequest,
  type ProviderResult,
  type ToolCall,
} from 'nestjs-llm-callbacks';

interface Answer {
  model: string;
  text: string;
  calls: { id: string; name: string; args: string }[];
  finish: 'stop' | 'length' | 'tool-calls' | 'content-filter';
  tokens?: [input: number, output: number];
}

/** A line of a stream: some text, a tool call or a piece of its arguments, an error, or the end. */
type Line =
  | { text: string }
  | { call: number; id: string; name: string }
  | { call: number; args: string }
  | { error: number }
  | { end: Answer };

type ErrorClass = new (message: string, details: object) => Error;

const ERRORS: Record<number, ErrorClass> = {
  400: LlmInvalidRequestError,
  401: LlmAuthenticationError,
  403: LlmPermissionError,
  429: LlmRateLimitError,
  503: LlmOverloadedError,
};

/** Asks a server that answers in JSON, and streams JSON line by line. */
export class LinesProvider implements LlmProvider {
  readonly name = 'lines';
  readonly capabilities = { contextFree: true, tools: true, schema: true, images: true };

  constructor(private readonly url: string) {}

  async generate(request: LlmRequest, { signal }: LlmProviderContext): Promise<ProviderResult> {
    const response = await this.#send(request, false, signal);
    const body = await connected(signal, response.text());
    return toResult(parse(body) as Answer);
  }

  async *stream(
    request: LlmRequest,
    { signal }: LlmProviderContext,
  ): AsyncGenerator<LlmChunk | ProviderResult> {
    const response = await this.#send(request, true, signal);
    // The loop cancels the request when its reader leaves.
    for await (const text of linesOf(response, signal)) {
      const line = parse(text) as Line;
      if ('text' in line) yield { type: 'text', text: line.text };
      else if ('id' in line)
        yield { type: 'tool-call', index: line.call, id: line.id, name: line.name, argsDelta: '' };
      else if ('args' in line) yield { type: 'tool-call', index: line.call, argsDelta: line.args };
      else if ('error' in line) throw errorOf(line.error);
      else {
        yield toResult(line.end);
        return;
      }
    }
    throw new LlmResponseError('The stream of "lines" ended without its last line.');
  }

  async #send(request: LlmRequest, stream: boolean, signal: AbortSignal): Promise<Response> {
    const { messages, providerOptions, ...rest } = request;
    const body = JSON.stringify(
      { ...rest, messages, stream, ...providerOptions },
      (_key, value: unknown) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    );
    const response = await connected(signal, fetch(this.url, { method: 'POST', body, signal }));
    if (!response.ok) throw errorOf(response.status, response.headers.get('retry-after'));
    return response;
  }
}

function errorOf(status: number, retryAfter?: string | null): Error {
  const ErrorOfStatus: ErrorClass = ERRORS[status] ?? LlmServerError;
  const retryAfterMs = retryAfter == null ? undefined : Number(retryAfter) * 1_000;
  return new ErrorOfStatus(`The server of "lines" answered with status ${status}.`, {
    status,
    retryAfterMs,
  });
}

/** Errors of `fetch` are lost connections, unless the caller has aborted. */
async function connected<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (cause) {
    signal.throwIfAborted();
    throw new LlmConnectionError('The connection to "lines" was lost.', { cause });
  }
}

async function* linesOf(response: Response, signal: AbortSignal): AsyncGenerator<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await connected(signal, reader.read());
      const lines = (rest + (value ?? '')).split('\n');
      rest = lines.pop()!;
      yield* lines;
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new LlmResponseError('The server of "lines" sent something that is not JSON.');
  }
}

function toResult({ model, text, calls, finish, tokens }: Answer): ProviderResult {
  const toolCalls = calls.map(({ id, name, args }): ToolCall => {
    try {
      return { id, name, args: JSON.parse(args), argsText: args };
    } catch (error) {
      return { id, name, args: undefined, argsText: args, argsError: String(error) };
    }
  });
  const message = { role: 'assistant' as const, content: text, toolCalls };
  const [inputTokens = 0, outputTokens = 0] = tokens ?? [];
  const counted = { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
  const usage = tokens
    ? { ...UNREPORTED_USAGE, ...counted, source: 'provider' as const }
    : UNREPORTED_USAGE; // it is then estimated
  return { id: '', model, text, message, toolCalls, finishReason: finish, usage };
}
