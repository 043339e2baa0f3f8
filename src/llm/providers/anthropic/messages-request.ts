import type { JsonSchema } from '../../../schema/schema.js';
import { mapSubschemas, subschemasOf } from '../../../schema/strict.js';
import type { LlmRequest } from '../../../types/llm.js';
import type { ContentPart, Message, ToolChoice, ToolSpec } from '../../../types/message.js';
import {
  type AnsweredCall,
  type IdRule,
  OPENING,
  partsOf,
  toHistory,
  type Turn,
  withoutImages,
} from '../shared/history.js';
import { type EncodeHints, schemaInWords } from '../shared/schema-forms.js';
import { ANTHROPIC_ID, ownBlocks, ownData, toolUse } from './messages-block.js';

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

/** The keywords of structured outputs, https://platform.claude.com/docs/en/build-with-claude/structured-outputs */
const KNOWN = new Set([
  '$defs',
  '$ref',
  'additionalProperties',
  'anyOf',
  'const',
  'definitions',
  'description',
  'enum',
  'items',
  'oneOf',
  'properties',
  'required',
  'title',
  'type',
]);
/** Rejected keywords that a description can express; the answer is checked anyway. */
const SUPPORTED = new Set([
  'default',
  'examples',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'maxItems',
  'maxLength',
  'maximum',
  'minItems',
  'minLength',
  'minimum',
  'multipleOf',
  'pattern',
  'uniqueItems',
]);
const FORMATS: readonly unknown[] = [
  'date',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'time',
  'uri',
  'uuid',
];

/**
 * A schema in the form of Anthropic's structured outputs. Undefined if they cannot express it, for instance because of
 * open or recursive objects: they would enforce something else.
 */
function toOutputSchema(schema: JsonSchema): JsonSchema | undefined {
  return isExpressible(schema) && !isRecursive(schema) ? convert(schema) : undefined;
}

function isExpressible(schema: JsonSchema): boolean {
  const { additionalProperties = false } = schema;
  return (
    additionalProperties === false &&
    Object.keys(schema).every((keyword) => KNOWN.has(keyword) || SUPPORTED.has(keyword)) &&
    subschemasOf(schema).every(isExpressible)
  );
}

/** Treated as recursive: a definition that refers to any definition, and a reference to the whole. */
function isRecursive({ $defs, definitions, ...rest }: JsonSchema): boolean {
  const shared = [$defs, definitions].flatMap(
    (named) => Object.values(named ?? {}) as JsonSchema[],
  );
  return shared.some((part) => hasReference(part, '#')) || hasReference(rest, '#/properties');
}

function hasReference(schema: JsonSchema, to: string): boolean {
  const { $ref } = schema;
  const isOne = typeof $ref === 'string' && ($ref === '#' || $ref.startsWith(to));
  return isOne || subschemasOf(schema).some((part) => hasReference(part, to));
}

function convert(schema: JsonSchema): JsonSchema {
  const kept: [string, unknown][] = [];
  const described: [string, unknown][] = [];
  for (const [keyword, value] of Object.entries(mapSubschemas(schema, convert))) {
    const name = keyword === 'oneOf' ? 'anyOf' : keyword;
    if (isKnown(keyword, value)) kept.push([name, value]);
    else if (!isNoLimit(value)) described.push([name, value]);
  }
  if (schema['type'] === 'object') kept.push(['additionalProperties', false]);
  if (described.length > 0) {
    const rules = described
      .map(([keyword, value]) => `${keyword}: ${JSON.stringify(value)}`)
      .join(', ');
    const { description } = schema;
    kept.push([
      'description',
      typeof description === 'string' ? `${description} (${rules})` : rules,
    ]);
  }
  return Object.fromEntries(kept);
}

/** The bounds that libraries write for any whole number. */
function isNoLimit(value: unknown): boolean {
  return value === Number.MAX_SAFE_INTEGER || value === Number.MIN_SAFE_INTEGER;
}

function isKnown(keyword: string, value: unknown): boolean {
  if (keyword === 'format') return FORMATS.includes(value);
  if (keyword === 'minItems') return value === 0 || value === 1;
  return KNOWN.has(keyword);
}
