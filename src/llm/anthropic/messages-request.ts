import type { JsonSchema } from '../../schema/index.js';
import type { ContentPart, LlmRequest, Message, ToolChoice, ToolSpec } from '../../shapes/index.js';
import { schemaInWords, type EncodeHints } from '../sdk/schema-forms.js';
import { toOutputSchema } from './output-schema.js';
import { ownBlocks } from './provider-data.js';

/** Anthropic wants a limit in every request; this one fits all its models. */
const DEFAULT_MAX_TOKENS = 4_096;

const BASE64_URL = /^data:([^;,]+);base64,(.*)$/s;

type Block = Record<string, unknown>;
interface Turn {
  role: 'user' | 'assistant';
  content: Block[];
}

/** The body of a messages request, https://docs.anthropic.com/en/api/messages */
export function encodeMessagesRequest(
  request: LlmRequest,
  streaming: boolean,
  { schemaForm }: EncodeHints,
): object {
  const {
    model,
    messages,
    tools,
    toolChoice,
    temperature,
    maxOutputTokens,
    stop,
    schema,
    providerOptions,
  } = request;
  const system = encodeSystem(request);
  const outputSchema = schema && schemaForm === 'schema' ? toOutputSchema(schema) : undefined;
  if (schema !== undefined && outputSchema === undefined) system.push(askForJson(schema));
  const body: Record<string, unknown> = {
    model,
    max_tokens: maxOutputTokens ?? defaultMaxTokens(providerOptions),
    messages: encodeTurns(messages),
  };
  if (system.length > 0) body.system = system;
  if (tools?.length) body.tools = tools.map(encodeTool);
  if (toolChoice !== undefined) body.tool_choice = encodeToolChoice(toolChoice);
  if (temperature !== undefined) body.temperature = temperature;
  if (stop !== undefined) body.stop_sequences = stop;
  if (outputSchema !== undefined) {
    body.output_config = { format: { type: 'json_schema', schema: outputSchema } };
  }
  if (streaming) body.stream = true;
  return Object.assign(body, providerOptions);
}

/** Thinking counts as output, and its budget must be below the limit: the answer has the default limit beside it. */
function defaultMaxTokens(providerOptions: LlmRequest['providerOptions']): number {
  const { thinking } = Object(providerOptions) as { thinking?: unknown };
  const { budget_tokens: budget } = Object(thinking) as { budget_tokens?: unknown };
  return DEFAULT_MAX_TOKENS + (Number.isSafeInteger(budget) ? Math.max(0, budget as number) : 0);
}

/** System messages stand beside the conversation, not in it. */
function encodeSystem({ system, messages }: LlmRequest): Block[] {
  const inMessages = messages
    .filter(({ role }) => role === 'system')
    .flatMap(({ content }) => encodeContent(content));
  return [...(system === undefined ? [] : [{ type: 'text', text: system }]), ...inMessages];
}

/** For schemas that the API cannot hold the model to. */
function askForJson(schema: JsonSchema): Block {
  return { type: 'text', text: schemaInWords(schema) };
}

/** Turns alternate: the answers of tools are one turn of the user's, together with what the user says next. */
function encodeTurns(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    if (message.role === 'system') continue;
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const content = encodeMessage(message);
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  }
  return turns;
}

function encodeMessage(message: Message): Block[] {
  const { role, content, toolCalls = [], toolCallId, providerData } = message;
  if (role === 'tool')
    return [{ type: 'tool_result', tool_use_id: toolCallId, content: encodeContent(content) }];
  if (role === 'user') return encodeContent(content);
  const own = ownBlocks(providerData);
  // A copy: turns grow, and a message is its owner's.
  if (own) return [...own];
  const calls = toolCalls.map(({ id, name, args }) => ({
    type: 'tool_use',
    id,
    name,
    // Anthropic refuses whatever else a model has made up.
    input: typeof args === 'object' && args !== null && !Array.isArray(args) ? args : {},
  }));
  return [...encodeContent(content), ...calls];
}

/** Anthropic refuses empty texts. */
function encodeContent(content: Message['content']): Block[] {
  if (typeof content !== 'string') return content.map(encodePart);
  return content === '' ? [] : [{ type: 'text', text: content }];
}

function encodePart(part: ContentPart): Block {
  const { providerOptions } = part;
  if (part.type === 'text') return { type: 'text', text: part.text, ...providerOptions };
  return { type: 'image', source: encodeImage(part), ...providerOptions };
}

function encodeImage(part: Extract<ContentPart, { type: 'image' }>): Block {
  if ('data' in part) {
    return {
      type: 'base64',
      media_type: part.mediaType,
      data: Buffer.from(part.data).toString('base64'),
    };
  }
  const [, mediaType, data] = BASE64_URL.exec(part.url) ?? [];
  return mediaType
    ? { type: 'base64', media_type: mediaType, data }
    : { type: 'url', url: part.url };
}

function encodeTool({ name, description, parameters }: ToolSpec): Block {
  return {
    name,
    ...(description !== undefined && { description }),
    input_schema: parameters ?? { type: 'object', properties: {} },
  };
}

function encodeToolChoice(choice: ToolChoice): Block {
  if (typeof choice !== 'string') return { type: 'tool', name: choice.name };
  return { type: choice === 'required' ? 'any' : choice };
}
