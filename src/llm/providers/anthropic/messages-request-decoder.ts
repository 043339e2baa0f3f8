import type { LlmRequest } from '../../../types/llm.js';
import type { ContentPart, Message, ToolChoice, ToolSpec } from '../../../types/message.js';
import {
  isObject,
  jsonTextOf,
  listOf,
  objectOf,
  textOf,
  toToolCall,
  type WireObject,
} from '../shared/wire-values.js';
import { toMessage } from './messages-block.js';

/**
 * Reads the body of a messages request: the inverse of `encodeMessagesRequest`. Never throws, whatever the body holds,
 * and never changes it; the request shares values with it.
 *
 * Fields without a place in {@link LlmRequest} are in `providerOptions`, unchanged. So are fields whose value has no
 * place, or only in part: tools of the provider, a tool choice with `disable_parallel_tool_use`, an `output_config` with
 * more than a schema. `stream` is left out.
 *
 * Lost are: the borders between the texts of `system`, and the other fields of these blocks; parts of users and of tool
 * results that are neither text nor an image with its data or URL (documents, files, search results); the other fields
 * of tools and of tool results, such as `cache_control` and `is_error`; the place of tool results among other parts.
 *
 * @example
 *   decodeMessagesRequest({ model: 'claude-haiku-4-5', max_tokens: 99, messages: [{ role: 'user', content: 'Hi' }] });
 *   // { model: 'claude-haiku-4-5', maxOutputTokens: 99, messages: [{ role: 'user', content: 'Hi' }] }
 *
 * @param model the model of a body without one: Bedrock and Vertex have it in the URL
 * @param provider the client's label, which `providerData` names
 */
export function decodeMessagesRequest(
  body: WireObject,
  model = '',
  provider = 'anthropic',
): LlmRequest {
  const messages = listOf(body['messages']).flatMap((entry) => readMessage(entry, provider));
  const request: LlmRequest = { model, messages };
  const options: [string, unknown][] = [];
  for (const [name, value] of Object.entries(body)) {
    if (value === undefined || NOT_OPTIONS.has(name)) continue;
    if (name === 'messages' && Array.isArray(value)) continue;
    const read = READERS.get(name)?.(value);
    if (read !== undefined) Object.assign(request, read.fields);
    if (read === undefined || read.isPart === true) options.push([name, value]);
  }
  // Not by assignment, which would change the prototype for the name `__proto__`.
  if (options.length > 0) request.providerOptions = Object.fromEntries(options);
  return request;
}

const NOT_OPTIONS: ReadonlySet<string> = new Set(['stream', 'stream_options']);

/** What a field of the body says. */
interface Read {
  readonly fields: Partial<LlmRequest>;
  /** Whether the field says more than that. */
  readonly isPart?: boolean;
}

type Reader = (value: unknown) => Read | undefined;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['model', (model) => (typeof model === 'string' ? { fields: { model } } : undefined)],
  ['system', readSystem],
  ['tools', readTools],
  ['tool_choice', readToolChoice],
  ['output_config', readOutputConfig],
  ['temperature', numberFor('temperature')],
  ['max_tokens', numberFor('maxOutputTokens')],
  ['stop_sequences', (texts) => (isTexts(texts) ? { fields: { stop: [...texts] } } : undefined)],
]);

function numberFor(field: 'temperature' | 'maxOutputTokens'): Reader {
  return (value) => (typeof value === 'number' ? { fields: { [field]: value } } : undefined);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function readSystem(value: unknown): Read | undefined {
  const texts = partsIn(value).flatMap((part) => (part.type === 'text' ? [part.text] : []));
  return texts.length > 0 ? { fields: { system: texts.join('\n\n') } } : undefined;
}

function readTools(value: unknown): Read | undefined {
  if (!Array.isArray(value)) return undefined;
  const tools = value.flatMap(readTool);
  if (tools.length === 0 && value.length > 0) return undefined;
  return { fields: { tools }, isPart: tools.length < value.length };
}

/** A tool of the application; its type is `custom` or absent. */
function readTool(value: unknown): ToolSpec[] {
  const { type, name, description, input_schema: parameters } = objectOf(value);
  const isCustom = type === undefined || type === null || type === 'custom';
  if (!isCustom || typeof name !== 'string' || !isObject(parameters)) return [];
  return [{ name, ...(typeof description === 'string' && { description }), parameters }];
}

const CHOICES: ReadonlyMap<unknown, ToolChoice> = new Map([
  ['auto', 'auto'],
  ['any', 'required'],
  ['none', 'none'],
]);

function readToolChoice(value: unknown): Read | undefined {
  const { type, name, ...others } = objectOf(value);
  const isOne = type === 'tool' && typeof name === 'string';
  const toolChoice = isOne ? { name } : CHOICES.get(type);
  if (toolChoice === undefined) return undefined;
  return { fields: { toolChoice }, isPart: Object.keys(others).length > 0 };
}

function readOutputConfig(value: unknown): Read | undefined {
  const { format, ...others } = objectOf(value);
  const { type, schema } = objectOf(format);
  if (type !== 'json_schema' || !isObject(schema)) return undefined;
  return { fields: { schema }, isPart: Object.keys(others).length > 0 };
}

/** The messages of an entry: the results of tools come before the rest of a user's turn. */
function readMessage(entry: unknown, provider: string): Message[] {
  if (!isObject(entry)) return [];
  const { role, content } = entry;
  if (role === 'assistant') return [readAssistant(content, provider)];
  const results = listOf(content).flatMap(readResult);
  const parts = partsIn(content);
  if (results.length > 0 && parts.length === 0) return results;
  return [...results, { role: role === 'system' ? role : 'user', content: toContent(parts) }];
}

/** As the decoder of answers does it. */
function readAssistant(content: unknown, provider: string): Message {
  if (typeof content === 'string') return { role: 'assistant', content };
  const blocks = listOf(content).filter(isObject);
  const text = blocks.map((block) => (block['type'] === 'text' ? textOf(block['text']) : ''));
  const calls = blocks
    .filter(({ type }) => type === 'tool_use')
    .map(({ id, name, input }) => toToolCall(textOf(id), textOf(name), jsonTextOf(input)));
  return toMessage(text.join(''), calls, { provider, content: blocks, container: undefined });
}

function readResult(block: unknown): Message[] {
  const { type, tool_use_id: id, content } = objectOf(block);
  if (type !== 'tool_result') return [];
  return [{ role: 'tool', toolCallId: textOf(id), content: toContent(partsIn(content)) }];
}

/** A single plain text as a string, as most callers write it. */
function toContent(parts: ContentPart[]): Message['content'] {
  const [first] = parts;
  if (first === undefined) return '';
  const isPlain = first.type === 'text' && first.providerOptions === undefined;
  return parts.length === 1 && isPlain ? first.text : parts;
}

/** The texts and images of a text or a list of blocks. */
function partsIn(content: unknown): ContentPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return listOf(content).flatMap(readPart);
}

function readPart(block: unknown): ContentPart[] {
  const { type, text, source, ...others } = objectOf(block);
  const part = type === 'image' ? readImage(objectOf(source)) : undefined;
  const read = type === 'text' && typeof text === 'string' ? ({ type, text } as const) : part;
  if (read === undefined) return [];
  return [Object.keys(others).length > 0 ? { ...read, providerOptions: others } : read];
}

function readImage({
  type,
  media_type: mediaType,
  data,
  url,
}: WireObject): ContentPart | undefined {
  if (type === 'url' && typeof url === 'string') return { type: 'image', url };
  if (type !== 'base64' || typeof mediaType !== 'string' || typeof data !== 'string')
    return undefined;
  return { type: 'image', data: new Uint8Array(Buffer.from(data, 'base64')), mediaType };
}
