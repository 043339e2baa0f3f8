import { isTimeoutMs, TIMEOUT_RULE } from '../../util/promises.js';
import { CallbacksConfigurationError } from '../../errors/callbacks-error.js';
import { LlmInvalidRequestError } from '../../errors/llm-errors.js';
import { schemaExcess } from '../../schema/compile-schema.js';
import type { CompiledSchema } from '../../schema/schema.js';
import type { LlmRequest } from '../../types/llm.js';
import type { Message, MessageInput, ToolCallInput, ToolSpec } from '../../types/message.js';
import { faultOf } from '../check-llm-options.js';
import { isEmpty } from '../providers/shared/history.js';
import type { LlmStreamOptions } from '../llm-options.js';
import { jsonTextOf, objectOf } from '../providers/shared/wire-values.js';

const ROLES = new Set(['system', 'user', 'assistant', 'tool']);

/** The request of a call, checked as far as possible here; its lists are copies. */
export function toRequest(
  input: string | readonly MessageInput[],
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

/** Request encoders recurse over its schema. */
function checkTool(tool: ToolSpec): ToolSpec {
  const excess = schemaExcess(tool?.parameters);
  if (excess === undefined) return tool;
  throw new CallbacksConfigurationError(
    `The parameters of the tool "${tool.name}" cannot be sent: ${excess}.`,
  );
}

function toMessages(input: string | readonly MessageInput[]): Message[] {
  if (typeof input === 'string') {
    if (input.trim() === '') refuse('The prompt is empty: give the model some text.');
    return [{ role: 'user', content: input }];
  }
  const messages: readonly MessageInput[] = Array.isArray(input) ? (input as MessageInput[]) : [];
  if (messages.length === 0) {
    refuse('There are no messages: give a prompt, or a list with at least one message.');
  }
  messages.forEach(checkMessage);
  const whole = messages.map(withArgsText);
  // Results without a call are left out.
  if (whole.every((message) => message.role === 'tool' || isEmpty(message))) {
    refuse('All messages are without content: give the model some text.');
  }
  return whole;
}

/** The message with the arguments of its calls as text, whatever else it is. */
export function withArgsText(message: MessageInput): Message {
  const toolCalls: unknown = message?.toolCalls;
  if (!Array.isArray(toolCalls)) return message as Message;
  const isWhole = toolCalls.every((call) => typeof objectOf(call)['argsText'] === 'string');
  if (isWhole) return message as Message;
  const calls = toolCalls as ToolCallInput[];
  return {
    ...message,
    toolCalls: calls.map((call) => ({
      ...call,
      argsText: call?.argsText ?? jsonTextOf(call?.args),
    })),
  };
}

function checkMessage(message: MessageInput, index: number): void {
  const place = `messages[${index}]`;
  if (!ROLES.has(message?.role)) refuse(`${place}.role must be one of ${[...ROLES].join(', ')}.`);
  const { content, role, toolCallId, toolCalls } = message;
  if (typeof content !== 'string') {
    if (!Array.isArray(content)) refuse(`${place}.content must be a text or a list of parts.`);
    content.forEach((part, at) => checkPart(part, `${place}.content[${at}]`));
  }
  if (role === 'tool' && !toolCallId) {
    refuse(`${place} is a tool's answer: its toolCallId must say which call it answers.`);
  }
  if (toolCalls === undefined) return;
  const areCalls =
    Array.isArray(toolCalls) && toolCalls.every((call) => typeof call?.name === 'string');
  if (!areCalls) refuse(`${place}.toolCalls must be a list of calls, each with a name.`);
}

/** Checks one part of a message; user code built it, so types guarantee nothing. */
function checkPart(given: unknown, place: string): void {
  const { type, text, url, data, mediaType } = objectOf(given);
  if (type === 'text') {
    if (typeof text !== 'string') refuse(`${place}.text must be a text.`);
  } else if (type !== 'image') {
    refuse(`${place} is a part of the unknown type "${String(type)}".`);
  } else if (
    typeof url !== 'string' &&
    !(ArrayBuffer.isView(data) && typeof mediaType === 'string')
  ) {
    refuse(`${place} is an image: give its url, or its data as bytes with a mediaType.`);
  }
}

function checkLimits(options: LlmStreamOptions): void {
  const { timeoutMs, schema, collect, tools, system } = options;
  if (tools !== undefined && !Array.isArray(tools)) refuse('tools must be a list.');
  if (system !== undefined && typeof system !== 'string') refuse('system must be a text.');
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
