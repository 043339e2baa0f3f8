import { LlmInvalidRequestError } from '../../../errors/llm-errors.js';
import { isStrict } from '../../../schema/strict.js';
import type { JsonSchema } from '../../../schema/schema.js';
import type { ContentPart, Message, ToolChoice, ToolSpec } from '../../../types/message.js';
import type { LlmRequest } from '../../../types/llm.js';
import { schemaInWords, type EncodeHints } from '../shared/schema-forms.js';
import { imageUrl } from './chat-data.js';
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
import { ownItems, ownOutput } from './responses-data.js';

/** Lets a model continue its own reasoning although the server stores none of it. */
const ENCRYPTED_REASONING = 'reasoning.encrypted_content';

const IDS: IdRule = { fits: /^.{1,64}$/s, length: 24, uniqueIn: 'turn' };

/** OpenAI's reasoning models; the others reject a request for encrypted reasoning. */
const REASONING_MODEL = /(?:^|[/:])(?:o\d|gpt-(?:[5-9]|\d\d)|codex|computer-use)(?!.*-chat)/;

/** The body of a response, https://platform.openai.com/docs/api-reference/responses/create */
export function encodeResponsesRequest(
  request: LlmRequest,
  streaming: boolean,
  provider: string,
  { schemaForm }: EncodeHints,
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
  if (stop?.length) {
    throw new LlmInvalidRequestError(
      `The Responses API of ${provider} has no stop sequences: leave out "stop", or set llm.api to 'chat'.`,
    );
  }
  const input = encodeInput(messages, provider);
  // Not in the instructions: the API returns free-form JSON only if the input mentions it.
  if (schema !== undefined && schemaForm !== 'schema')
    input.unshift({ role: 'system', content: schemaInWords(schema) });
  const body: Record<string, unknown> = { model, input, store: false };
  if (system !== undefined) body.instructions = system;
  if (tools?.length) body.tools = tools.map(encodeTool);
  if (toolChoice !== undefined) body.tool_choice = encodeToolChoice(toolChoice);
  if (temperature !== undefined) body.temperature = temperature;
  if (maxOutputTokens !== undefined) body.max_output_tokens = maxOutputTokens;
  if (isToReason(model, providerOptions)) body.include = [ENCRYPTED_REASONING];
  if (streaming) body.stream = true;
  Object.assign(body, providerOptions);
  // The length of a text and its format are one option of this API; the caller wants to change only one.
  if (schema !== undefined && schemaForm !== 'words') {
    const format = schemaForm === 'json' ? { type: 'json_object' } : encodeFormat(schema);
    body.text = { format, ...(providerOptions?.['text'] as object) };
  }
  return body;
}

function encodeFormat(schema: JsonSchema): object {
  return { type: 'json_schema', name: 'answer', schema, strict: isStrict(schema) };
}

/** By the model's name, or because the caller sets `reasoning`: a deployment may have any name. */
function isToReason(model: string, providerOptions: LlmRequest['providerOptions']): boolean {
  return Boolean(providerOptions?.['reasoning']) || REASONING_MODEL.test(model);
}

function encodeInput(messages: readonly Message[], provider: string): object[] {
  const input: object[] = [];
  for (const turn of toHistory(messages, IDS)) pushTurn(turn, provider, input);
  return input.length > 0 ? input : [{ role: 'user', content: OPENING }];
}

/** A turn is one item or several: its content, each tool call, and the results of the calls. */
function pushTurn(turn: Turn, provider: string, input: object[]): void {
  const { role, content, calls } = turn;
  const own = ownOutput(turn.providerData, provider);
  if (own !== undefined) input.push(...ownItems(own, calls));
  else {
    const textType = role === 'assistant' ? 'output_text' : 'input_text';
    const said = role === 'user' ? content : withoutImages(content);
    if (!isBlank(said)) input.push({ role, content: encodeContent(said, textType) });
    input.push(...calls.map(toCallItem));
  }
  for (const { id, result } of calls) {
    const output = encodeContent(result, 'input_text');
    input.push({ type: 'function_call_output', call_id: id, output });
  }
}

function toCallItem({ id, name, argsText }: AnsweredCall): object {
  return { type: 'function_call', call_id: id, name, arguments: argsText };
}

type TextType = 'input_text' | 'output_text';

/** An empty list is rejected. */
function encodeContent(content: Message['content'], textType: TextType): unknown {
  if (typeof content === 'string') return content;
  const parts = partsOf(content);
  return parts.length === 0 ? '' : parts.map((part) => encodePart(part, textType));
}

function encodePart(part: ContentPart, textType: TextType): object {
  const encoded =
    part.type === 'text'
      ? { type: textType, text: part.text }
      : { type: 'input_image', image_url: imageUrl(part), detail: 'auto' };
  return Object.assign(encoded, part.providerOptions);
}

/** Sets `strict` explicitly: this API is strict by default, and would reject schemas that chat completions accept. */
function encodeTool({ name, description, parameters }: ToolSpec): object {
  const tool: Record<string, unknown> = {
    type: 'function',
    name,
    parameters: parameters ?? { type: 'object', properties: {} },
    strict: false,
  };
  if (description !== undefined) tool.description = description;
  return tool;
}

function encodeToolChoice(choice: ToolChoice): unknown {
  return typeof choice === 'string' ? choice : { type: 'function', name: choice.name };
}
