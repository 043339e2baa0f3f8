import type {
  ProviderWire,
  ScriptedAnswer,
  ScriptedEmbeddings,
  ScriptedError,
} from 'nestjs-llm-callbacks/testing';
import { anthropic, block } from './anthropic.js';
import { chunk, openai } from './openai.js';
import {
  callEvents,
  callItem,
  messageItem,
  OPENING,
  responseFrame,
  responses,
  type ResponseEvent,
} from './responses.js';
import type { Said, WireError, WireFormat } from './wire-format.js';

/** The wires of the library in the terms of the conformance kit. */
export const SCRIPTED: Readonly<Record<WireFormat['name'], ProviderWire>> = {
  openai: {
    whole: (answer) => openai.answer(saidOf(answer)),
    pieces: ({ model, reasoning, text, toolCalls }) =>
      [
        openai.opening,
        ...reasoning.map((piece) => chunk({ delta: { reasoning_content: piece } })),
        ...text.map((piece) => openai.text(piece)),
        ...toolCalls.flatMap(({ id, name, args }, index) => [
          chunk({
            delta: {
              tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }],
            },
          }),
          ...args.map((piece) =>
            chunk({ delta: { tool_calls: [{ index, function: { arguments: piece } }] } }),
          ),
        ]),
      ].map((sent) => sent.replace(openai.model, model)),
    end: (answer) => openai.stream(saidOf({ ...answer, text: [], toolCalls: [] })).slice(1),
    embeddings: vectorsOf,
    error: (error) => openai.error(OPENAI_ERRORS[error.code] ?? messageOf(error)),
    streamError: (error) => openai.streamError(OPENAI_ERRORS[error.code] ?? messageOf(error)),
  },
  responses: {
    whole: (answer) => responses.answer(saidOf(answer)),
    pieces: (answer) => toResponseFrames(answer, bodyOf(answer)),
    end(answer) {
      const response = responses.answer(saidOf(answer));
      const type = `response.${String(response['status'])}`;
      return toResponseFrames(answer, [{ type, response }]);
    },
    embeddings: vectorsOf,
    error: (error) => openai.error(OPENAI_ERRORS[error.code] ?? messageOf(error)),
    streamError: (error) => responses.streamError(OPENAI_ERRORS[error.code] ?? messageOf(error)),
  },
  anthropic: {
    whole: (answer) => anthropic.answer(saidOf(answer)),
    pieces: (answer) =>
      [startOf(answer), ...blocksOf(answer)].map((sent) =>
        sent.replace(anthropic.model, answer.model),
      ),
    end: (answer) => anthropic.stream(saidOf({ ...answer, text: [], toolCalls: [] })).slice(1),
    error: (error) => anthropic.error(ANTHROPIC_ERRORS[error.code] ?? messageOf(error)),
    streamError: (error) => anthropic.streamError(ANTHROPIC_ERRORS[error.code] ?? messageOf(error)),
  },
};

type Errors = Partial<Record<ScriptedError['code'], WireError>>;

const OPENAI_ERRORS: Errors = {
  context_length: { type: 'invalid_request_error', code: 'context_length_exceeded' },
  content_filter: { type: 'invalid_request_error', code: 'content_policy_violation' },
  model_not_found: { type: 'invalid_request_error', code: 'model_not_found' },
  overloaded: { type: 'server_error', code: 'server_is_overloaded' },
};

const ANTHROPIC_ERRORS: Errors = {
  authentication: { type: 'authentication_error' },
  permission: { type: 'permission_error' },
  rate_limit: { type: 'rate_limit_error' },
  billing: { type: 'billing_error' },
  context_length: { type: 'request_too_large' },
  invalid_request: { type: 'invalid_request_error' },
  model_not_found: { type: 'not_found_error', message: 'model: none' },
  overloaded: { type: 'overloaded_error' },
  server_error: { type: 'api_error' },
  timeout: { type: 'timeout_error' },
};

function messageOf({ code, message }: ScriptedError): WireError {
  return { type: code, message };
}

function saidOf({ model, text, toolCalls, finishReason, usage }: ScriptedAnswer): Said {
  return {
    model,
    text: text.join(''),
    toolCalls: toolCalls.map(({ id, name, args }) => ({ id, name, argsText: args.join('') })),
    finish: finishReason,
    usage: usage ? { input: usage.inputTokens, output: usage.outputTokens } : null,
  };
}

/** Embeddings of OpenAI, whose order is that of their index only. */
function vectorsOf({ model, embeddings, usage }: ScriptedEmbeddings): object {
  const data = embeddings.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding: Buffer.from(Float32Array.from(vector).buffer).toString('base64'),
  }));
  const count = usage && { prompt_tokens: usage.inputTokens, total_tokens: usage.inputTokens };
  return { object: 'list', model, data: data.toReversed(), ...(count && { usage: count }) };
}

function startOf({ usage }: ScriptedAnswer): string {
  const said = { usage: usage ? { input: usage.inputTokens, output: 1 } : null };
  return anthropic.stream(said)[0]!;
}

function blocksOf({ reasoning, text, toolCalls }: ScriptedAnswer): string[] {
  const blocks: [open: object, deltas: object[]][] = [];
  if (reasoning.length > 0) {
    const deltas = reasoning.map((thinking) => ({ type: 'thinking_delta', thinking }));
    blocks.push([
      { type: 'thinking', thinking: '', signature: '' },
      [...deltas, { type: 'signature_delta', signature: 'signed' }],
    ]);
  }
  if (text.length > 0)
    blocks.push([
      { type: 'text', text: '' },
      text.map((piece) => ({ type: 'text_delta', text: piece })),
    ]);
  for (const { id, name, args } of toolCalls)
    blocks.push([
      { type: 'tool_use', id, name, input: {} },
      args.map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
    ]);
  return blocks.flatMap(([open, deltas], index) => block(index, open, ...deltas));
}

function bodyOf({ reasoning, text, toolCalls }: ScriptedAnswer): ResponseEvent[] {
  const events: ResponseEvent[] = [...OPENING];
  let index = 0;
  if (reasoning.length > 0) {
    const item = { id: 'rs_1', type: 'reasoning', summary: [] };
    const place = { item_id: 'rs_1', output_index: index, summary_index: 0 };
    events.push(
      { type: 'response.output_item.added', output_index: index, item },
      ...reasoning.map((delta) => ({
        type: 'response.reasoning_summary_text.delta',
        ...place,
        delta,
      })),
      { type: 'response.output_item.done', output_index: index, item },
    );
    index++;
  }
  if (text.length > 0) {
    const item = messageItem('', { status: 'in_progress', content: [] });
    const place = { item_id: item['id'], output_index: index, content_index: 0 };
    events.push(
      { type: 'response.output_item.added', output_index: index, item },
      ...text.map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
      { type: 'response.output_item.done', output_index: index, item: messageItem(text.join('')) },
    );
    index++;
  }
  for (const [i, { id, name, args }] of toolCalls.entries()) {
    const item = callItem({ id, name, argsText: args.join('') }, i);
    events.push(...callEvents(item, index++, args));
  }
  return events;
}

function toResponseFrames({ model }: ScriptedAnswer, events: readonly ResponseEvent[]): string[] {
  return events.map((event) => responseFrame(event).replace(responses.model, model));
}
