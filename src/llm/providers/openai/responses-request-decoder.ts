import type { LlmRequest } from '../../../types/llm.js';
import type { ContentPart, Message, ToolChoice, ToolSpec } from '../../../types/message.js';
import {
  isObject,
  jsonTextOf,
  listOf,
  textOf,
  toToolCall,
  type WireObject,
} from '../shared/wire-values.js';
import { callIdOf } from './responses-data.js';

/** How an answer is delivered is no part of a request. */
const DELIVERY = ['stream', 'stream_options'];

/**
 * The request in a body for the Responses API, for events; the inverse of `encodeResponsesRequest`. Never throws: the
 * body may hold any JSON. Values may be shared with the body, and are only read.
 *
 * Fields without a place in a request, and values that it cannot express, are in `providerOptions` under their own
 * names. If some tools are not functions, the whole list is there too. Lost are: content parts that are neither text
 * nor an image by URL, items that are neither messages nor functions' calls and outputs (reasoning, references, calls
 * of other kinds), messages with an unknown role, the ids, states and phases of items, annotations of the model's
 * texts, and whether a function or a schema is strict.
 *
 * @example
 *   decodeResponsesRequest({ model: 'gpt-5', input: 'Hi', max_output_tokens: 9, user: 'u-1' });
 *   // { model: 'gpt-5', messages: [{ role: 'user', content: 'Hi' }], maxOutputTokens: 9,
 *   //   providerOptions: { user: 'u-1' } }
 */
export function decodeResponsesRequest(body: WireObject): LlmRequest {
  const request: LlmRequest = { model: textOf(body['model']), messages: toMessages(body['input']) };
  const left = new Map(Object.entries(body).filter(([, value]) => value !== undefined));
  for (const name of DELIVERY) left.delete(name);
  if (typeof body['model'] === 'string') left.delete('model');
  if (typeof body['input'] === 'string' || Array.isArray(body['input'])) left.delete('input');
  const { instructions, temperature, max_output_tokens: limit, tool_choice: choice } = body;
  if (typeof instructions === 'string' && left.delete('instructions'))
    request.system = instructions;
  if (typeof temperature === 'number' && left.delete('temperature'))
    request.temperature = temperature;
  if (typeof limit === 'number' && left.delete('max_output_tokens'))
    request.maxOutputTokens = limit;
  const toolChoice = toToolChoice(choice);
  if (toolChoice !== undefined && left.delete('tool_choice')) request.toolChoice = toolChoice;
  placeTools(request, left);
  placeSchema(request, left);
  if (left.size > 0) request.providerOptions = Object.fromEntries(left);
  return request;
}

function toToolChoice(choice: unknown): ToolChoice | undefined {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return choice;
  if (!isObject(choice) || choice['type'] !== 'function') return undefined;
  const { name } = choice;
  return typeof name === 'string' ? { name } : undefined;
}

function placeTools(request: LlmRequest, left: Map<string, unknown>): void {
  const tools = left.get('tools');
  if (!Array.isArray(tools)) return;
  const specs = tools.flatMap(toSpecs);
  if (specs.length === tools.length) left.delete('tools');
  if (specs.length > 0) request.tools = specs;
}

/** The function that a tool is; none if it is another kind of tool. */
function toSpecs(tool: unknown): ToolSpec[] {
  if (!isObject(tool) || tool['type'] !== 'function') return [];
  const { name, description, parameters } = tool;
  if (typeof name !== 'string') return [];
  const spec: ToolSpec = { name };
  if (typeof description === 'string') spec.description = description;
  if (isObject(parameters)) spec.parameters = parameters;
  return [spec];
}

/** The other fields of `text` stay where the encoder expects them. */
function placeSchema(request: LlmRequest, left: Map<string, unknown>): void {
  const text = left.get('text');
  if (!isObject(text)) return;
  const { format, ...others } = text;
  if (!isObject(format) || format['type'] !== 'json_schema' || !isObject(format['schema'])) return;
  request.schema = format['schema'];
  if (Object.keys(others).length > 0) left.set('text', others);
  else left.delete('text');
}

function toMessages(input: unknown): Message[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  const messages: Message[] = [];
  for (const item of listOf(input)) if (isObject(item)) pushItem(item, messages);
  return messages;
}

function pushItem(item: WireObject, messages: Message[]): void {
  switch (item['type']) {
    case undefined:
    case 'message': {
      const role = toRole(item['role']);
      if (role !== undefined) messages.push({ role, content: toContent(item['content']) });
      return;
    }
    case 'function_call':
      return pushCall(item, messages);
    case 'function_call_output': {
      const content = toContent(item['output']);
      messages.push({ role: 'tool', toolCallId: textOf(item['call_id']), content });
    }
  }
}

function toRole(role: unknown): Exclude<Message['role'], 'tool'> | undefined {
  if (role === 'developer') return 'system';
  return role === 'system' || role === 'user' || role === 'assistant' ? role : undefined;
}

/** A call belongs to the assistant's message before it; a model that only calls tools writes none. */
function pushCall(item: WireObject, messages: Message[]): void {
  let message = messages.at(-1);
  if (message?.role !== 'assistant') {
    message = { role: 'assistant', content: '' };
    messages.push(message);
  }
  const call = toToolCall(callIdOf(item), textOf(item['name']), jsonTextOf(item['arguments']));
  (message.toolCalls ??= []).push(call);
}

function toContent(content: unknown): Message['content'] {
  if (Array.isArray(content)) return content.flatMap(toParts);
  return textOf(content);
}

/** A part, with its other fields as its options; none if it is of another type. */
function toParts(part: unknown): ContentPart[] {
  if (!isObject(part)) return [];
  const { type, text, refusal, image_url: url, ...others } = part;
  if (type === 'refusal' && typeof refusal === 'string') return [{ type: 'text', text: refusal }];
  if (type === 'output_text' && typeof text === 'string') return [{ type: 'text', text }];
  if (type === 'input_text' && typeof text === 'string')
    return [withOptions({ type: 'text', text }, others)];
  if (type !== 'input_image' || typeof url !== 'string') return [];
  const { detail, ...rest } = others;
  // The API's default, which the encoder writes.
  return [withOptions(toImage(url), detail === 'auto' ? rest : others)];
}

function withOptions(part: ContentPart, options: Record<string, unknown>): ContentPart {
  if (Object.keys(options).length > 0) part.providerOptions = options;
  return part;
}

const DATA = 'data:';
const BASE64 = ';base64';

/** The bytes in a data URL of base64; any other URL as it is. */
function toImage(url: string): ContentPart {
  const comma = url.startsWith(DATA) ? url.indexOf(',') : -1;
  const head = url.slice(DATA.length, Math.max(comma, DATA.length));
  const [mediaType] = head.split(';', 1);
  if (!mediaType || !head.endsWith(BASE64)) return { type: 'image', url };
  // A copy: small buffers share their memory with others, and handlers expect plain bytes.
  const data = new Uint8Array(Buffer.from(url.slice(comma + 1), 'base64'));
  return { type: 'image', data, mediaType };
}
