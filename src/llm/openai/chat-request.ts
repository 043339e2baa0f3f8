import { isStrict, type JsonSchema } from '../../schema/index.js';
import type { ContentPart, LlmRequest, Message, ToolChoice, ToolSpec } from '../../shapes/index.js';
import { schemaInWords, type EncodeHints } from '../sdk/schema-forms.js';
import { LIMIT_PARAMETERS, type LimitParameter } from '../server.js';
import { imageUrl } from './content-part.js';

/** The body of a chat completion, https://platform.openai.com/docs/api-reference/chat/create */
export function encodeChatRequest(
  request: LlmRequest,
  streaming: boolean,
  { limitParameter, schemaForm }: EncodeHints & { readonly limitParameter: LimitParameter },
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
  const encoded = encodeMessages(messages);
  const words = schema !== undefined && schemaForm !== 'schema' ? [schemaInWords(schema)] : [];
  const instructions = [...(system === undefined ? [] : [system]), ...words];
  // One message: the templates of many models know one, at the beginning.
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

/** Whether a limit is given by one of its own names: servers refuse both names in one request. */
function hasLimit(providerOptions: LlmRequest['providerOptions']): boolean {
  return LIMIT_PARAMETERS.some((name) => providerOptions?.[name] !== undefined);
}

function encodeSchema(schema: JsonSchema): object {
  const format = { name: 'answer', schema, strict: isStrict(schema) };
  return { type: 'json_schema', json_schema: format };
}

/** Tools answer in text here: the pictures of their results come behind, as if the user showed them. */
function encodeMessages(messages: readonly Message[]): object[] {
  const encoded: object[] = [];
  let shown: object[] = [];
  const show = () => {
    if (shown.length > 0) encoded.push({ role: 'user', content: shown });
    shown = [];
  };
  for (const message of messages) {
    if (message.role === 'tool') {
      encoded.push(encodeToolResult(message, shown));
      continue;
    }
    show();
    encoded.push(encodeMessage(message));
  }
  show();
  return encoded;
}

function encodeToolResult({ role, content, toolCallId }: Message, shown: object[]): object {
  if (typeof content === 'string') return { role, tool_call_id: toolCallId, content };
  const texts = content.filter(({ type }) => type === 'text');
  const pictures = content.filter(({ type }) => type !== 'text');
  if (pictures.length > 0) {
    const caption = `Of the result of the tool call ${toolCallId}:`;
    shown.push({ type: 'text', text: caption }, ...pictures.map(encodePart));
  }
  const told = texts.length > 0 ? texts.map(encodePart) : 'The pictures that follow.';
  return { role, tool_call_id: toolCallId, content: told };
}

function encodeMessage({ role, content, toolCalls }: Message): object {
  const encoded = typeof content === 'string' ? content : content.map(encodePart);
  if (role !== 'assistant' || !toolCalls?.length) return { role, content: encoded };
  return {
    role,
    // An assistant that only calls tools has no content.
    content: encoded.length === 0 ? null : encoded,
    tool_calls: toolCalls.map(({ id, name, argsText }) => ({
      id,
      type: 'function',
      function: { name, arguments: argsText || '{}' },
    })),
  };
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
