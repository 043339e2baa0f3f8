import type { JsonSchema } from '../../../schema/schema.js';
import type { ContentPart, Message, ToolChoice, ToolSpec } from '../../../types/message.js';
import type { LlmRequest } from '../../../types/llm.js';
import { schemaInWords, type EncodeHints } from '../shared/schema-forms.js';
import { toOutputSchema } from './output-schema.js';
import type { IdRule } from '../shared/call-ids.js';
import {
  OPENING,
  partsOf,
  toHistory,
  withoutImages,
  type AnsweredCall,
  type Turn,
} from '../shared/history.js';
import { ownBlocks, ownData, toolUse } from './provider-data.js';
import { ANTHROPIC_ID } from './valid-blocks.js';

/** Anthropic requires a limit in every request; this one fits all its models. */
const DEFAULT_MAX_TOKENS = 4_096;

const BASE64_URL = /^data:([^;,]+);base64,(.*)$/s;

type Block = Record<string, unknown>;
interface AlternatingTurn {
  readonly role: 'user' | 'assistant';
  content: Block[];
}

const IDS: IdRule = { fits: ANTHROPIC_ID, length: 24, uniqueIn: 'conversation' };

/** The body of a messages request, https://docs.anthropic.com/en/api/messages */
export function encodeMessagesRequest(
  request: LlmRequest,
  streaming: boolean,
  { schemaForm, provider }: EncodeHints & { readonly provider: string },
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
  const history = toHistory(messages, IDS);
  const system = encodeSystem(request.system, history);
  const outputSchema = schema && schemaForm === 'schema' ? toOutputSchema(schema) : undefined;
  if (schema !== undefined && outputSchema === undefined) system.push(askForJson(schema));
  const body: Record<string, unknown> = {
    model,
    max_tokens: maxOutputTokens ?? defaultMaxTokens(providerOptions),
    messages: encodeTurns(history, provider),
  };
  if (system.length > 0) body.system = system;
  if (tools?.length) body.tools = tools.map(encodeTool);
  if (toolChoice !== undefined) body.tool_choice = encodeToolChoice(toolChoice);
  if (temperature !== undefined) body.temperature = temperature;
  if (stop !== undefined) body.stop_sequences = stop;
  if (outputSchema !== undefined) {
    body.output_config = { format: { type: 'json_schema', schema: outputSchema } };
  }
  const container = containerOf(history, provider);
  if (container !== undefined) body.container = container;
  if (streaming) body.stream = true;
  return Object.assign(body, providerOptions);
}

/** Thinking counts as output, and its budget must be below the limit: the default limit is added for the answer. */
function defaultMaxTokens(providerOptions: LlmRequest['providerOptions']): number {
  const { thinking } = Object(providerOptions) as { thinking?: unknown };
  const { budget_tokens: budget } = Object(thinking) as { budget_tokens?: unknown };
  return DEFAULT_MAX_TOKENS + (Number.isSafeInteger(budget) ? Math.max(0, budget as number) : 0);
}

/** System messages are sent beside the conversation, not in it. */
function encodeSystem(system: string | undefined, history: readonly Turn[]): Block[] {
  const inHistory = history
    .filter(({ role }) => role === 'system')
    .flatMap(({ content }) => encodeContent(withoutImages(content)));
  return [...encodeContent(system ?? ''), ...inHistory];
}

/** For schemas that the API cannot enforce. */
function askForJson(schema: JsonSchema): Block {
  return { type: 'text', text: schemaInWords(schema) };
}

/**
 * Turns alternate, and the first one is the user's. Tool results form one user turn together with the user's next
 * message. A turn without content is rejected.
 */
function encodeTurns(history: readonly Turn[], provider: string): AlternatingTurn[] {
  const turns: AlternatingTurn[] = [];
  const push = (role: AlternatingTurn['role'], content: Block[]): void => {
    if (content.length === 0) return;
    if (turns.length === 0 && role === 'assistant')
      turns.push({ role: 'user', content: encodeContent(OPENING) });
    const last = turns.at(-1);
    if (last?.role === role) last.content = [...last.content, ...content];
    else turns.push({ role, content });
  };
  for (const turn of history) {
    if (turn.role === 'system') continue;
    if (turn.role === 'user') push('user', encodeContent(turn.content));
    else push('assistant', encodeAssistant(turn, provider));
    push('user', turn.calls.map(encodeResult));
  }
  if (turns.length === 0) push('user', encodeContent(OPENING));
  const last = turns.at(-1);
  if (last?.role === 'assistant') last.content = withoutSpaceAtEnd(last.content);
  return turns;
}

function encodeAssistant({ content, calls, providerData }: Turn, provider: string): Block[] {
  const own = ownData(providerData, provider);
  if (own !== undefined) return ownBlocks(own.content, calls) as Block[];
  return [...encodeContent(withoutImages(content)), ...calls.map(toolUse)] as Block[];
}

function encodeResult({ id, result }: AnsweredCall): Block {
  const content = encodeContent(result);
  return { type: 'tool_result', tool_use_id: id, ...(content.length > 0 && { content }) };
}

/** An assistant turn that the model continues must not end with white space. */
function withoutSpaceAtEnd(content: readonly Block[]): Block[] {
  const last = content.at(-1)!;
  const text = last['type'] === 'text' ? String(last['text']) : '';
  return text === text.trimEnd()
    ? [...content]
    : [...content.slice(0, -1), { ...last, text: text.trimEnd() }];
}

/** The container in which the provider's own code continues: the container of the last answer that had one. */
function containerOf(history: readonly Turn[], provider: string): unknown {
  return history
    .map(({ providerData }) => ownData(providerData, provider)?.container)
    .findLast((container) => typeof container === 'string');
}

/** Anthropic rejects empty texts, and texts of only white space. */
function encodeContent(content: Message['content']): Block[] {
  return partsOf(content).map(encodePart);
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
