import type Anthropic from '@anthropic-ai/sdk';
import type OpenAI from 'openai';
import type { LlmChunk } from 'nestjs-llm-callbacks';
import type { WireFormat } from './wire-format.js';

/** The content of an answer, accumulated from its pieces. */
export interface Told {
  text: string;
  reasoning: string;
  /** The arguments of each tool call, as far as they were sent. */
  args: string[];
}

/** The content of the library's chunks. */
export function toldByChunks(chunks: readonly LlmChunk[]): Told {
  const told: Told = { text: '', reasoning: '', args: [] };
  for (const chunk of chunks) {
    if (chunk.type === 'tool-call') append(told.args, chunk.index, chunk.argsDelta);
    else told[chunk.type] += chunk.text;
  }
  return told;
}

/** The content of the events of an SDK's own stream. */
export function toldByEvents({ name }: WireFormat, events: readonly unknown[]): Told {
  const told: Told = { text: '', reasoning: '', args: [] };
  const add = { openai: chatTeller, anthropic: messageTeller, responses: responseTeller }[name](
    told,
  );
  for (const event of events) add(event);
  return told;
}

function chatTeller(told: Told) {
  return (event: unknown): void => {
    const { choices = [] } = event as Partial<OpenAI.ChatCompletionChunk>;
    const delta = choices.find(({ index }) => index === 0)?.delta;
    const { reasoning_content, reasoning } = Object(delta) as Record<string, string | undefined>;
    told.text += delta?.content ?? delta?.refusal ?? '';
    told.reasoning += reasoning_content ?? reasoning ?? '';
    for (const call of delta?.tool_calls ?? [])
      append(told.args, call.index, call.function?.arguments ?? '');
  };
}

function messageTeller(told: Told) {
  const tools: number[] = [];
  const inputs = new Map<number, string>();
  return (event: unknown): void => {
    const sent = event as Anthropic.RawMessageStreamEvent;
    if (sent.type === 'content_block_start') {
      const { content_block: block } = sent;
      if (block.type === 'text') told.text += block.text;
      if (block.type === 'thinking') told.reasoning += block.thinking;
      if (block.type !== 'tool_use') return;
      append(told.args, tools.push(sent.index) - 1, '');
      const input = JSON.stringify(block.input);
      if (input !== '{}') inputs.set(sent.index, input);
    } else if (sent.type === 'content_block_delta') {
      const { delta } = sent;
      if (delta.type === 'text_delta') told.text += delta.text;
      if (delta.type === 'thinking_delta') told.reasoning += delta.thinking;
      if (delta.type === 'input_json_delta' && tools.includes(sent.index))
        append(told.args, tools.indexOf(sent.index), delta.partial_json);
    } else if (sent.type === 'content_block_stop' && inputs.has(sent.index)) {
      append(told.args, tools.indexOf(sent.index), inputs.get(sent.index)!);
    }
  };
}

function responseTeller(told: Told) {
  const calls: number[] = [];
  return (event: unknown): void => {
    const sent = event as OpenAI.Responses.ResponseStreamEvent;
    switch (sent.type) {
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        told.text += sent.delta;
        break;
      case 'response.reasoning_summary_text.delta':
        told.reasoning += sent.delta;
        break;
      case 'response.output_item.added':
        if (sent.item.type === 'function_call')
          append(told.args, calls.push(sent.output_index) - 1, '');
        break;
      case 'response.function_call_arguments.delta':
        append(told.args, calls.indexOf(sent.output_index), sent.delta);
        break;
      default:
    }
  };
}

function append(texts: string[], index: number, text: string): void {
  texts[index] = (texts[index] ?? '') + text;
}
