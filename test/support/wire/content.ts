import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import type { LlmChunk } from 'nestjs-llm-callbacks';
import type { WireFormat } from './wire-format.js';

/** The content of an answer, accumulated from its pieces. */
export interface Content {
  text: string;
  reasoning: string;
  /** The arguments of each tool call, as far as they were sent. */
  args: string[];
}

/** The content of the library's chunks. */
export function contentOfChunks(chunks: readonly LlmChunk[]): Content {
  const content: Content = { text: '', reasoning: '', args: [] };
  for (const chunk of chunks) {
    if (chunk.type === 'tool-call') append(content.args, chunk.index, chunk.argsDelta);
    else content[chunk.type] += chunk.text;
  }
  return content;
}

/** The content of the events of an SDK's own stream. */
export function contentOfEvents({ name }: WireFormat, events: readonly unknown[]): Content {
  const content: Content = { text: '', reasoning: '', args: [] };
  const add = { openai: chatReader, anthropic: messageReader, responses: responseReader }[name](
    content,
  );
  for (const event of events) add(event);
  return content;
}

function chatReader(content: Content) {
  return (event: unknown): void => {
    const { choices = [] } = event as Partial<OpenAI.ChatCompletionChunk>;
    const delta = choices.find(({ index }) => index === 0)?.delta;
    const { reasoning_content, reasoning } = Object(delta) as Record<string, string | undefined>;
    content.text += delta?.content ?? delta?.refusal ?? '';
    content.reasoning += reasoning_content ?? reasoning ?? '';
    for (const call of delta?.tool_calls ?? [])
      append(content.args, call.index, call.function?.arguments ?? '');
  };
}

function messageReader(content: Content) {
  const tools: number[] = [];
  const inputs = new Map<number, string>();
  return (event: unknown): void => {
    const sent = event as Anthropic.RawMessageStreamEvent;
    if (sent.type === 'content_block_start') {
      const { content_block: block } = sent;
      if (block.type === 'text') content.text += block.text;
      if (block.type === 'thinking') content.reasoning += block.thinking;
      if (block.type !== 'tool_use') return;
      append(content.args, tools.push(sent.index) - 1, '');
      const input = JSON.stringify(block.input);
      if (input !== '{}') inputs.set(sent.index, input);
    } else if (sent.type === 'content_block_delta') {
      const { delta } = sent;
      if (delta.type === 'text_delta') content.text += delta.text;
      if (delta.type === 'thinking_delta') content.reasoning += delta.thinking;
      if (delta.type === 'input_json_delta' && tools.includes(sent.index))
        append(content.args, tools.indexOf(sent.index), delta.partial_json);
    } else if (sent.type === 'content_block_stop' && inputs.has(sent.index)) {
      append(content.args, tools.indexOf(sent.index), inputs.get(sent.index)!);
    }
  };
}

function responseReader(content: Content) {
  const calls: number[] = [];
  return (event: unknown): void => {
    const sent = event as OpenAI.Responses.ResponseStreamEvent;
    switch (sent.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        content.text += sent.delta;
        break;
      case 'response.reasoning_summary_text.delta':
        content.reasoning += sent.delta;
        break;
      case 'response.output_item.added':
        if (sent.item.type === 'function_call')
          append(content.args, calls.push(sent.output_index) - 1, '');
        break;
      case 'response.function_call_arguments.delta':
        append(content.args, calls.indexOf(sent.output_index), sent.delta);
        break;
      default:
    }
  };
}

function append(texts: string[], index: number, text: string): void {
  texts[index] = (texts[index] ?? '') + text;
}
