import type { LlmRequest } from '../../../types/llm.js';
import type {
  ContentPart,
  Message,
  ToolCall,
  ToolChoice,
  ToolSpec,
} from '../../../types/message.js';
import { LIMIT_PARAMETERS } from '../../client.js';
import { asNumber, asText, RequestFields, withoutAbsent } from '../shared/request-fields.js';
import {
  isObject,
  jsonTextOf,
  listOf,
  objectOf,
  textOf,
  toToolCall,
  type WireObject,
} from '../shared/wire-values.js';

/**
 * The request in the body of a chat completion that any code may have built: the inverse of `encodeChatRequest`. Never
 * throws. The result shares values with the body, and only shows what was requested; it is not meant to be sent.
 *
 * Not shown: parts that are neither text nor image, `detail` of images, `name`, `audio` and reasoning of messages,
 * options of a part that is the whole instruction, messages of an unknown role, calls of tools that are not functions,
 * `strict` of tools, and all but the schema of a `json_schema`. A list with a tool that is not a function is in
 * `providerOptions` too, as are values without a place.
 *
 * @example decodeChatRequest({ model: 'gpt-4o', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 });
 */
export function decodeChatRequest(body: WireObject): LlmRequest {
  const fields = new RequestFields(body, ['stream', 'stream_options']);
  const sent = fields.read('messages', asList) ?? [];
  const system = systemIn(sent[0]);
  return withoutAbsent<LlmRequest>({
    model: fields.read('model', asText) ?? '',
    messages: (system === undefined ? sent : sent.slice(1)).flatMap(toMessage),
    system,
    tools: fields.read('tools', asTools) ?? functionsIn(body['tools']),
    toolChoice: fields.read('tool_choice', asToolChoice),
    temperature: fields.read('temperature', asNumber),
    maxOutputTokens: limitIn(fields),
    stop: fields.read('stop', asStop),
    schema: fields.read('response_format', asSchema),
    // Last: the fields that are left.
    providerOptions: fields.rest,
  });
}

function asList(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

/** The first of the two names that has a limit. */
function limitIn(fields: RequestFields): number | undefined {
  for (const name of LIMIT_PARAMETERS) {
    const limit = fields.read(name, asNumber);
    if (limit !== undefined) return limit;
  }
  return undefined;
}

function asStop(value: unknown): string[] | undefined {
  if (typeof value === 'string') return [value];
  const isTexts = Array.isArray(value) && value.every((text) => typeof text === 'string');
  return isTexts ? [...value] : undefined;
}

function asSchema(value: unknown): WireObject | undefined {
  const { type, json_schema: format } = objectOf(value);
  const { schema } = objectOf(format);
  return type === 'json_schema' && isObject(schema) ? schema : undefined;
}

function asToolChoice(value: unknown): ToolChoice | undefined {
  if (value === 'auto' || value === 'none' || value === 'required') return value;
  const { type, function: chosen } = objectOf(value);
  const { name } = objectOf(chosen);
  return type === 'function' && typeof name === 'string' ? { name } : undefined;
}

/** A list in which all tools are functions. */
function asTools(value: unknown): ToolSpec[] | undefined {
  const tools = functionsIn(value);
  return tools?.length === listOf(value).length ? tools : undefined;
}

function functionsIn(value: unknown): ToolSpec[] | undefined {
  return asList(value)?.flatMap((tool) => {
    const { type, function: offered } = objectOf(tool);
    const { name, description, parameters } = objectOf(offered);
    if (type !== 'function' || typeof name !== 'string') return [];
    const spec: ToolSpec = { name };
    if (typeof description === 'string') spec.description = description;
    if (isObject(parameters)) spec.parameters = parameters;
    return [spec];
  });
}

/** The text of a system message, which is the instruction if it comes first. */
function systemIn(message: unknown): string | undefined {
  const { role, content } = objectOf(message);
  if (role !== 'system' && role !== 'developer') return undefined;
  if (typeof content === 'string') return content;
  const parts = listOf(content);
  const { type, text } = objectOf(parts[0]);
  return parts.length === 1 && type === 'text' && typeof text === 'string' ? text : undefined;
}

function toMessage(value: unknown): Message[] {
  const sent = objectOf(value);
  const content = toContent(sent['content']);
  switch (sent['role']) {
    case 'system':
    case 'developer':
      return [{ role: 'system', content }];
    case 'user':
      return [{ role: 'user', content }];
    case 'assistant':
      return [toAssistant(sent, content)];
    case 'tool':
      return [{ role: 'tool', content, toolCallId: textOf(sent['tool_call_id']) }];
    // The format before parallel tool calls, in which the name is the id.
    case 'function':
      return [{ role: 'tool', content, toolCallId: textOf(sent['name']) }];
    default:
      return [];
  }
}

/** A refusal is text, as in answers. */
function toAssistant(sent: WireObject, content: Message['content']): Message {
  const { tool_calls: calls, function_call: legacy, refusal } = sent;
  const toolCalls = listOf(calls).flatMap(toCall);
  if (isObject(legacy)) toolCalls.push(...toCall({ id: legacy['name'], function: legacy }));
  const message: Message = {
    role: 'assistant',
    content: content.length === 0 ? textOf(refusal) : content,
  };
  if (toolCalls.length > 0) message.toolCalls = toolCalls;
  return message;
}

/** Some applications leave the type out, and some pass arguments as an object. */
function toCall(value: unknown): ToolCall[] {
  const { id, function: called } = objectOf(value);
  if (!isObject(called)) return [];
  return [toToolCall(textOf(id), textOf(called['name']), jsonTextOf(called['arguments']))];
}

function toContent(content: unknown): Message['content'] {
  return Array.isArray(content) ? content.flatMap(toPart) : textOf(content);
}

function toPart(value: unknown): ContentPart[] {
  const { type, text, image_url: image, refusal, ...others } = objectOf(value);
  const options = Object.keys(others).length > 0 && { providerOptions: others };
  if (type === 'text' && typeof text === 'string') return [{ type, text, ...options }];
  if (type === 'refusal' && typeof refusal === 'string') return [{ type: 'text', text: refusal }];
  const url = isObject(image) ? image['url'] : image;
  if (type !== 'image_url' || typeof url !== 'string') return [];
  return [{ ...toImage(url), ...options }];
}

const BASE64 = /^data:([^;,]+);base64,/;

function toImage(url: string): ContentPart {
  const [prefix, mediaType] = BASE64.exec(url) ?? [];
  if (prefix === undefined || mediaType === undefined) return { type: 'image', url };
  const data = new Uint8Array(Buffer.from(url.slice(prefix.length), 'base64'));
  return { type: 'image', data, mediaType };
}
