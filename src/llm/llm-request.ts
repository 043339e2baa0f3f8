import { isTimeoutMs, TIMEOUT_RULE } from '../deadline.js';
import { CallbacksConfigurationError, LlmInvalidRequestError } from '../errors/index.js';
import { schemaExcess, type CompiledSchema } from '../schema/index.js';
import type { LlmRequest, Message, ToolSpec } from '../shapes/index.js';
import { faultOf } from './check-call-options.js';
import type { LlmStreamOptions } from './llm-options.js';

const ROLES = new Set(['system', 'user', 'assistant', 'tool']);
const PART_TYPES: ReadonlySet<unknown> = new Set(['text', 'image']);

/** The request of a call, checked as far as it can be known here; the lists are copies. */
export function toRequest(
  input: string | readonly Message[],
  options: LlmStreamOptions,
  model: string,
  schema: CompiledSchema | undefined,
): LlmRequest {
  const { system, tools, toolChoice, temperature, maxOutputTokens, stop, providerOptions } =
    options;
  checkLimits(options);
  const request: LlmRequest = { model: options.model ?? model, messages: toMessages(input) };
  if (system !== undefined) request.system = system;
  if (tools !== undefined) request.tools = tools.map(checkTool);
  if (toolChoice !== undefined) request.toolChoice = toolChoice;
  if (temperature !== undefined) request.temperature = temperature;
  if (maxOutputTokens !== undefined) request.maxOutputTokens = maxOutputTokens;
  if (stop !== undefined) request.stop = [...stop];
  if (schema !== undefined) request.schema = schema.jsonSchema;
  if (providerOptions !== undefined) request.providerOptions = providerOptions;
  return request;
}

/** Encoders of requests recurse over its schema. */
function checkTool(tool: ToolSpec): ToolSpec {
  const excess = schemaExcess(tool?.parameters);
  if (excess === undefined) return tool;
  throw new CallbacksConfigurationError(
    `The parameters of the tool "${tool.name}" cannot be sent: ${excess}.`,
  );
}

function toMessages(input: string | readonly Message[]): Message[] {
  if (typeof input === 'string') {
    if (input.trim() === '') refuse('The prompt is empty: give the model some text.');
    return [{ role: 'user', content: input }];
  }
  const messages: readonly Message[] = Array.isArray(input) ? (input as Message[]) : [];
  if (messages.length === 0) {
    refuse('There are no messages: give a prompt, or a list with at least one message.');
  }
  messages.forEach(checkMessage);
  return [...messages];
}

function checkMessage(message: Message, index: number): void {
  if (!ROLES.has(message?.role)) {
    refuse(`messages[${index}].role must be one of ${[...ROLES].join(', ')}.`);
  }
  if (typeof message.content !== 'string' && !Array.isArray(message.content)) {
    refuse(`messages[${index}].content must be a text or a list of parts.`);
  }
  const odd = partsOf(message).find((part) => !PART_TYPES.has(part?.type));
  if (odd !== undefined) {
    refuse(`messages[${index}].content has a part of the unknown type "${String(odd?.type)}".`);
  }
  if (message.role === 'tool' && !message.toolCallId) {
    refuse(`messages[${index}] is a tool's answer: its toolCallId must say which call it answers.`);
  }
}

/** The parts of a message, which users' own code has made and no type holds back. */
function partsOf({ content }: Message): readonly ({ type?: unknown } | undefined)[] {
  return typeof content === 'string' ? [] : content;
}

function checkLimits(options: LlmStreamOptions): void {
  const { timeoutMs, schema, collect } = options;
  if (schema !== undefined && collect === false) {
    refuse('collect: false keeps no text to be read by the schema: leave one of them out.');
  }
  if (timeoutMs !== undefined && !isTimeoutMs(timeoutMs)) refuse(TIMEOUT_RULE);
  const fault = faultOf(options);
  if (fault !== undefined) refuse(fault);
}

function refuse(message: string): never {
  throw new LlmInvalidRequestError(message);
}
