import { isStrict } from '../../../schema/strict.js';
import type { JsonSchema } from '../../../schema/schema.js';
import type { ContentPart, Message, ToolChoice, ToolSpec } from '../../../types/message.js';
import type { LlmRequest } from '../../../types/llm.js';
import {
  type AnsweredCall,
  type IdRule,
  isBlank,
  OPENING,
  partsOf,
  toHistory,
  type Turn,
  withoutImages,
} from '../shared/history.js';
import { schemaInWords, type EncodeHints } from '../shared/schema-forms.js';
import { LIMIT_PARAMETERS, type LimitParameter } from '../../client.js';
import { imageUrl, ownChatData } from './chat-data.js';

/** What differs between the servers of this API. */
interface ChatWire extends EncodeHints {
  /** The client's label: data of this server goes back to it, and to no other. */
  readonly provider: string;
  readonly limitParameter: LimitParameter;
  readonly ids: IdRule;
}

/** The body of a chat completion, https://platform.openai.com/docs/api-reference/chat/create */
export function encodeChatRequest(
  request: LlmRequest,
  streaming: boolean,
  { limitParameter, schemaForm, provider, ids }: ChatWire,
): object {
  const {
    model,
    messages,
    system,
    tools,
    toolChoice,
    temperature,
    maxOutputTokens,
    stop,
    schema,
    providerOptions,
  } = request;
  const encoded = encodeTurns(toHistory(messages, ids), provider);
  const words = schema !== undefined && schemaForm !== 'schema' ? [schemaInWords(schema)] : [];
  const instructions = [...(system === undefined ? [] : [system]), ...words];
  // One message: the templates of many models support only one, at the beginning.
  if (instructions.length > 0)
    encoded.unshift({ role: 'system', content: instructions.join('\n\n') });
  const body: Record<string, unknown> = { model, messages: encoded };
  if (tools?.length) body.tools = tools.map(encodeTool);
  if (toolChoice !== undefined) body.tool_choice = encodeToolChoice(toolChoice);
  if (temperature !== undefined) body.temperature = temperature;
  if (maxOutputTokens !== undefined && !hasLimit(providerOptions))
    body[limitParameter] = maxOutputTokens;
  if (stop !== undefined) body.stop = stop;
  if (schema !== undefined && schemaForm !== 'words')
    body.response_format = schemaForm === 'json' ? { type: 'json_object' } : encodeSchema(schema);
  if (streaming) {
    body.stream = true;
    body.stream_options = { include_usage: true };
  }
  return Object.assign(body, providerOptions);
}

/** Whether a limit is set under one of its own names: servers reject both names in one request. */
function hasLimit(providerOptions: LlmRequest['providerOptions']): boolean {
  return LIMIT_PARAMETERS.some((name) => providerOptions?.[name] !== undefined);
}

function encodeSchema(schema: JsonSchema): object {
  const format = { name: 'answer', schema, strict: isStrict(schema) };
  return { type: 'json_schema', json_schema: format };
}

/** Each call is followed by its result. Tool results are text only here: their images follow as a user message. */
function encodeTurns(turns: readonly Turn[], provider: string): object[] {
  const encoded: object[] = [];
  for (const turn of turns) {
    const message = encodeTurn(turn, provider);
    if (message !== undefined) encoded.push(message);
    const shown: object[] = [];
    for (const call of turn.calls) encoded.push(encodeResult(call, shown));
    if (shown.length > 0) encoded.push({ role: 'user', content: shown });
  }
  return encoded.length > 0 ? encoded : [{ role: 'user', content: OPENING }];
}

function encodeTurn(turn: Turn, provider: string): object | undefined {
  const { role, content } = turn;
  if (role === 'user') return { role, content: encodeContent(content) };
  if (role === 'system') return { role, content: encodeContent(withoutImages(content)) };
  return encodeAssistant(turn, provider);
}

/** Nothing if a message has content for another provider only. */
function encodeAssistant(turn: Turn, provider: string): object | undefined {
  const { role, content, calls, providerData } = turn;
  const own = ownChatData(providerData, provider);
  if (own === undefined && calls.length === 0 && isBlank(content)) return undefined;
  const text = encodeContent(withoutImages(content));
  const message: Record<string, unknown> = {
    role,
    // An assistant message with only tool calls has no content.
    content: calls.length > 0 && text === '' ? null : text,
  };
  Object.assign(message, own?.fields);
  if (calls.length > 0) {
    message['tool_calls'] = calls.map(({ id, ownId, name, argsText }) => {
      const extraContent = own?.calls?.[ownId];
      return {
        id,
        type: 'function',
        function: { name, arguments: argsText },
        ...(extraContent && { extra_content: extraContent }),
      };
    });
  }
  return message;
}

function encodeResult({ id, result }: AnsweredCall, shown: object[]): object {
  const texts = partsOf(result).filter(({ type }) => type === 'text');
  const images = partsOf(result).filter(({ type }) => type !== 'text');
  if (images.length > 0) {
    const caption = `Of the result of the tool call ${id}:`;
    shown.push({ type: 'text', text: caption }, ...images.map(encodePart));
  }
  const content =
    typeof result === 'string'
      ? result
      : texts.length > 0
        ? texts.map(encodePart)
        : images.length > 0
          ? 'The pictures that follow.'
          : '';
  return { role: 'tool', tool_call_id: id, content };
}

/** An empty list is rejected. */
function encodeContent(content: Message['content']): string | object[] {
  if (typeof content === 'string') return content;
  const parts = partsOf(content);
  return parts.length === 0 ? '' : parts.map(encodePart);
}

function encodePart(part: ContentPart): object {
  const { providerOptions } = part;
  if (part.type === 'text') return { type: 'text', text: part.text, ...providerOptions };
  return { type: 'image_url', image_url: { url: imageUrl(part) }, ...providerOptions };
}

function encodeTool({ name, description, parameters }: ToolSpec): object {
  return {
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      ...(parameters && { parameters }),
    },
  };
}

function encodeToolChoice(choice: ToolChoice): unknown {
  return typeof choice === 'string'
    ? choice
    : { type: 'function', function: { name: choice.name } };
}
