import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import type { FinishReason, Usage } from 'nestjs-llm-callbacks';
import { anthropic } from './anthropic.js';
import { openai } from './openai.js';
import { randomMessageStream } from './random-anthropic.js';
import { randomChatStream } from './random-openai.js';
import { randomResponseStream } from './random-responses.js';
import type { RandomLines } from './random-lines.js';
import type { Random } from './random.js';
import { responses } from './responses.js';
import type { WireFormat } from './wire-format.js';

/** An answer as an SDK has accumulated it, in the library's terms. */
export interface AddedUp {
  id: string;
  model: string;
  text: string;
  reasoning: string;
  toolCalls: { id: string; name: string; args: unknown }[];
  finishReason: FinishReason;
  usage: Partial<Usage>;
  /** The content that must be sent back to the provider unchanged. */
  providerData: unknown;
}

/** Random streams of one wire format. */
export interface RandomFormat {
  readonly wire: WireFormat;
  /** The frames of a random stream. */
  frames(random: Random, lines: RandomLines): string[];
  /** Lets the SDK read and accumulate a stream. */
  readBySdk(client: OpenAI | Anthropic): Promise<AddedUp>;
}

const HI = [{ role: 'user' as const, content: 'Hi' }];

const CHAT_FINISH: Record<string, FinishReason> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  eos: 'stop',
};

function thoughtsOf(delta: object = {}): Record<string, string | undefined> {
  return delta as Record<string, string | undefined>;
}

const chat: RandomFormat = {
  wire: openai,
  frames: randomChatStream,
  async readBySdk(client) {
    let reasoning = '';
    let reasoningContent: string | undefined;
    let usage: OpenAI.CompletionUsage | undefined;
    const { id, model, choices } = await (client as OpenAI).chat.completions
      .stream({ model: openai.model, messages: HI })
      // What the SDK does not add up, or forgets when the next chunk has none.
      .on('chunk', ({ choices: [choice], usage: counted }) => {
        const { reasoning_content: content, reasoning: other } = thoughtsOf(choice?.delta);
        reasoning += content ?? other ?? '';
        if (content !== undefined) reasoningContent = (reasoningContent ?? '') + content;
        usage = counted ?? usage;
      })
      .finalChatCompletion();
    const { message, finish_reason } = choices[0]!;
    return {
      id,
      model,
      text: message.content || message.refusal || '',
      reasoning,
      toolCalls: (message.tool_calls ?? []).flatMap((call) =>
        call.type === 'function'
          ? { id: call.id, name: call.function.name, args: JSON.parse(call.function.arguments) }
          : [],
      ),
      finishReason: message.refusal ? 'content-filter' : (CHAT_FINISH[finish_reason] ?? 'other'),
      usage: usage
        ? {
            source: 'provider',
            inputTokens: usage.prompt_tokens,
            outputTokens: usage.completion_tokens,
            totalTokens: usage.total_tokens,
            cachedInputTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
            reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? 0,
          }
        : { source: 'estimated' },
      providerData:
        reasoningContent === undefined
          ? undefined
          : { provider: 'openai', api: 'chat', fields: { reasoning_content: reasoningContent } },
    };
  },
};

const MESSAGES_FINISH: Record<string, FinishReason> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  refusal: 'content-filter',
  model_context_window_exceeded: 'length',
  pause_turn: 'paused',
};

const messages: RandomFormat = {
  wire: anthropic,
  frames: randomMessageStream,
  async readBySdk(client) {
    const { id, model, content, stop_reason, usage } = await (client as Anthropic).messages
      .stream({ model: anthropic.model, max_tokens: 1, messages: HI })
      .finalMessage();
    const cachedInputTokens = usage.cache_read_input_tokens ?? 0;
    const cacheWriteTokens = usage.cache_creation_input_tokens ?? 0;
    const hasMore = content.some(({ type }) => type !== 'text' && type !== 'tool_use');
    const reason = MESSAGES_FINISH[String(stop_reason)] ?? 'other';
    const callsTools = content.some(({ type }) => type === 'tool_use');
    return {
      id,
      model,
      text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
      reasoning: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
      toolCalls: content.flatMap((block) =>
        block.type === 'tool_use' ? { id: block.id, name: block.name, args: block.input } : [],
      ),
      finishReason: reason === 'stop' && callsTools ? 'tool-calls' : reason,
      usage: {
        source: 'provider',
        inputTokens: usage.input_tokens + cachedInputTokens + cacheWriteTokens,
        outputTokens: usage.output_tokens,
        cachedInputTokens,
        cacheWriteTokens,
      },
      providerData: hasMore ? { provider: 'anthropic', content } : undefined,
    };
  },
};

const RESPONSE_FINISH: Record<string, FinishReason> = {
  max_output_tokens: 'length',
  content_filter: 'content-filter',
};

/** The fields that the SDK's stream adds to the items that were sent. */
const ADDED_BY_SDK = new Set(['parsed', 'parsed_arguments']);

const response: RandomFormat = {
  wire: responses,
  frames: randomResponseStream,
  async readBySdk(client) {
    const final = await (client as OpenAI).responses
      .stream({ model: responses.model, input: 'Hi' })
      .finalResponse();
    const { id, model, incomplete_details: incomplete, usage } = final;
    const output = JSON.parse(
      JSON.stringify(final.output, (key, value: unknown) =>
        ADDED_BY_SDK.has(key) ? undefined : value,
      ),
    ) as OpenAI.Responses.ResponseOutputItem[];
    const said = output.flatMap((item) => (item.type === 'message' ? item.content : []));
    const thoughts = output.flatMap((item) => (item.type === 'reasoning' ? item.summary : []));
    const toolCalls = output.flatMap((item) =>
      item.type === 'function_call'
        ? { id: item.call_id, name: item.name, args: JSON.parse(item.arguments) as unknown }
        : [],
    );
    const whole = output.filter((item) => item.type !== 'reasoning' || item.encrypted_content);
    const hasMore = whole.some((item) =>
      item.type === 'message' ? item.phase : item.type !== 'function_call',
    );
    const isRefused = said.some((part) => part.type === 'refusal' && part.refusal !== '');
    const reason = isRefused
      ? 'content-filter'
      : incomplete && (RESPONSE_FINISH[String(incomplete.reason)] ?? 'other');
    return {
      id,
      model,
      text: said.map((part) => (part.type === 'refusal' ? part.refusal : part.text)).join(''),
      reasoning: thoughts.map(({ text }) => text).join(''),
      toolCalls,
      finishReason: reason ?? (toolCalls.length > 0 ? 'tool-calls' : 'stop'),
      usage: usage
        ? {
            source: 'provider',
            inputTokens: usage.input_tokens,
            outputTokens: usage.output_tokens,
            totalTokens: usage.total_tokens,
            cachedInputTokens: usage.input_tokens_details.cached_tokens,
            reasoningTokens: usage.output_tokens_details.reasoning_tokens,
          }
        : { source: 'estimated' },
      providerData: hasMore ? { provider: 'openai', api: 'responses', output: whole } : undefined,
    };
  },
};

export const RANDOM_FORMATS: readonly RandomFormat[] = [chat, messages, response];
