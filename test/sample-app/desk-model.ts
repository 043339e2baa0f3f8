import { once } from 'node:events';
import type { ChatCompletionRequest, ChatMessage, Fixture } from '@copilotkit/aimock';
import {
  LlmOverloadedError,
  NO_USAGE,
  type LlmProviderContext,
  type LlmRequest,
  type Usage,
} from 'nestjs-llm-callbacks';
import { FakeLlm, type FakeAnswer } from 'nestjs-llm-callbacks/testing';
import { mockFixtures } from '../../sample-app/models/mock-fixtures.js';
import { MockOutage } from '../../sample-app/models/mock-outage.js';
import type { ModelConnections } from '../../sample-app/models/model-connections.js';
import { MODELS, type ClientName } from '../../sample-app/models/models.js';

/** The fields of a fixture of the sample app's mock. */
interface Said {
  readonly content?: string;
  readonly toolCalls?: readonly { readonly name: string; readonly arguments: string }[];
  readonly usage?: Readonly<Record<string, number>>;
  readonly error?: object;
}

/** Connections of a desk whose models are unreachable: without keys, and without a mock server. */
export class NoConnections {
  /** The client of `openai` that is observed needs a key to be created; it is not overridden. */
  readonly openai = { apiKey: 'none' };
  readonly anthropic = {};
  readonly outage = new MockOutage();

  fail(client: ClientName, calls: number): boolean {
    this.outage.begin(MODELS[client], calls);
    return true;
  }

  /** In the type that the sample app expects. */
  get asConnections(): ModelConnections {
    return this as unknown as ModelConnections;
  }
}

/** Answers, in place of all models, like the sample app's mock over HTTP. */
export class DeskModel extends FakeLlm {
  constructor({ outage }: NoConnections) {
    const fixtures = [outage.fixture, ...mockFixtures()];
    super(async (request) => {
      const chat = toChat(request);
      const { response } = fixtures.find((fixture) => matches(fixture, chat))!;
      return toAnswer((typeof response === 'function' ? await response(chat) : response) as Said);
    });
  }

  /** Streams are complete, except the manual, which stalls after a chunk: its consumer has to stop. */
  override async *stream(request: LlmRequest, context: LlmProviderContext) {
    for await (const item of super.stream(request, context)) {
      yield item;
      if (!/manual/.test(lastOf(request))) continue;
      if (!context.signal.aborted) await once(context.signal, 'abort');
      throw context.signal.reason;
    }
  }
}

function lastOf({ messages }: LlmRequest): string {
  return textOf(messages.findLast(({ role }) => role === 'user')?.content);
}

/** The desk sends only texts. */
function textOf(content: unknown): string {
  return typeof content === 'string' ? content : '';
}

function toChat(request: LlmRequest): ChatCompletionRequest {
  const system: ChatMessage[] = request.system ? [{ role: 'system', content: request.system }] : [];
  const messages = request.messages.map((message): ChatMessage => {
    const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : [];
    return {
      role: message.role,
      content: textOf(message.content),
      ...(calls.length > 0 && {
        tool_calls: calls.map(({ id, name, argsText }) => ({
          id,
          type: 'function' as const,
          function: { name, arguments: argsText },
        })),
      }),
      ...(message.role === 'tool' && { tool_call_id: message.toolCallId }),
    };
  });
  const tools = (request.tools ?? []).map(({ name }) => ({
    type: 'function' as const,
    function: { name },
  }));
  return { model: request.model, messages: [...system, ...messages], tools };
}

function matches({ match }: Fixture, chat: ChatCompletionRequest): boolean {
  const { predicate, userMessage, model } = match;
  const asked = chat.messages.findLast(({ role }) => role === 'user')?.content;
  return (
    (predicate === undefined || predicate(chat)) &&
    (!(userMessage instanceof RegExp) || userMessage.test(textOf(asked))) &&
    (!(model instanceof RegExp) || model.test(chat.model))
  );
}

function toAnswer({ content = '', toolCalls = [], usage, error }: Said): FakeAnswer {
  if (error !== undefined) return new LlmOverloadedError('Overloaded.');
  const calls = toolCalls.map(({ name, arguments: argsText }) => ({
    name,
    argsText,
    args: JSON.parse(argsText) as unknown,
  }));
  return { text: content, toolCalls: calls, usage: toUsage(usage) };
}

/** The fixtures use the finish reasons of both wire formats. */
function toUsage(counted: Readonly<Record<string, number>> = {}): Usage {
  const inputTokens = counted['input_tokens'] ?? counted['prompt_tokens'] ?? 0;
  const outputTokens = counted['output_tokens'] ?? counted['completion_tokens'] ?? 0;
  return { ...NO_USAGE, inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
}
