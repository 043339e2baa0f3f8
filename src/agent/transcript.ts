import { toJsonCopy, toJsonWhole, toSafeJson } from '../events/serialize.js';
import {
  type ContentPart,
  isToolName,
  type Message,
  type ToolCall,
  toToolName,
} from '../types/message.js';
import type { AgentResult, PendingRun, SettledToolCall } from '../types/agent.js';

/** The text of a message. */
export function textOf({ content }: Message): string {
  if (typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
}

/** A model's message with tool names that providers and logs accept: models invent names. */
export function withToolNames(message: Message): Message {
  const { toolCalls } = message;
  if (toolCalls === undefined || toolCalls.every(({ name }) => isToolName(name))) return message;
  return {
    ...message,
    toolCalls: toolCalls.map((call) => ({ ...call, name: toToolName(call.name) })),
  };
}

/** The calls of a turn without a result: all, unless the run was resumed. */
export function openCalls(calls: ToolCall[], settled: readonly SettledToolCall[]): ToolCall[] {
  if (settled.length === 0) return calls;
  const answered = new Set(settled.map(({ toolCallId }) => toolCallId));
  return calls.filter(({ id }) => !answered.has(id));
}

/** Sorts the results in the order of their calls. */
export function sortLike(calls: readonly ToolCall[], settled: SettledToolCall[]): void {
  const order = new Map(calls.map(({ id }, index) => [id, index]));
  settled.sort((a, b) => order.get(a.toolCallId)! - order.get(b.toolCallId)!);
}

/** The messages with tool results for the model. */
export function toToolMessages(settled: readonly SettledToolCall[]): Message[] {
  return settled.map(({ toolCallId, content }) => ({ role: 'tool', toolCallId, content }));
}

/** Why a call is rejected whose arguments could not be stored unchanged. */
const ARGS_CUT = 'The arguments are too deep or too large to be stored.';

/**
 * A run that waits for approvals, as plain JSON. Each of its parts is bounded by itself (`bounds.ts`), so that it can
 * always be resumed: truncated parts are marked, a call with truncated arguments is rejected rather than executed with
 * others, and opaque data of a provider that would be truncated is not sent back.
 */
export function toPending(
  { runId, messages, steps, usage, cost }: AgentResult,
  { context, goal, toolCalls, turn }: Pick<PendingRun, 'context' | 'goal' | 'toolCalls' | 'turn'>,
): PendingRun {
  const pending: PendingRun = {
    v: 2,
    runId,
    createdAt: Date.now(),
    context,
    goal,
    toolCalls: toolCalls.map(portableCall),
    messages: messages.map(portableMessage),
    turn: {
      ...turn,
      settled: turn.settled.map(({ content, ...result }) => ({
        ...(toSafeJson(result) as typeof result),
        content: typeof content === 'string' ? content : content.map(portablePart),
      })),
    },
    steps: steps.map((step) => ({
      ...step,
      toolCalls: (step.toolCalls ?? []).map(portableCall),
      toolResults: toSafeJson(step.toolResults) as typeof step.toolResults,
    })),
    usage,
    cost,
  };
  return toJsonWhole(pending) as PendingRun;
}

function portableMessage(message: Message): Message {
  const { content, toolCalls, providerData } = message;
  const portable = { ...message };
  if (typeof content !== 'string') portable.content = content.map(portablePart);
  if (toolCalls) portable.toolCalls = toolCalls.map(portableCall);
  if (providerData !== undefined) {
    const { copy, mark } = toJsonCopy(providerData);
    portable.providerData = mark ?? copy;
  }
  return portable;
}

function portableCall(call: ToolCall): ToolCall {
  const { copy, mark } = toJsonCopy(call.args);
  const argsError = call.argsError ?? (mark === undefined ? undefined : ARGS_CUT);
  return { ...call, args: copy, ...(argsError !== undefined && { argsError }) };
}

/** JSON has no bytes. */
function portablePart(part: ContentPart): ContentPart {
  if (part.providerOptions !== undefined) {
    const { copy } = toJsonCopy(part.providerOptions);
    return toUrl({ ...part, providerOptions: copy as Record<string, unknown> });
  }
  return toUrl(part);
}

function toUrl(part: ContentPart): ContentPart {
  if (part.type !== 'image' || !('data' in part)) return part;
  const { data, mediaType, ...rest } = part;
  return { ...rest, url: `data:${mediaType};base64,${Buffer.from(data).toString('base64')}` };
}
