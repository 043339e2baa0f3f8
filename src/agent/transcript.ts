import { toSafeJson } from '../events/index.js';
import type {
  AgentResult,
  ContentPart,
  Message,
  PendingRun,
  SettledToolCall,
  ToolCall,
} from '../shapes/index.js';
import { isToolName, toToolName } from '../tools/index.js';

/** The text of a message. */
export function textOf({ content }: Message): string {
  if (typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('');
}

/**
 * A model's message, such that its calls can be answered and it can be sent back: each call with an id of its own and a
 * name that providers take. Models of compatible servers leave ids out, and make names up.
 */
export function answerable(message: Message, step: number): Message {
  const { toolCalls } = message;
  if (!toolCalls?.length) return message;
  const ids = new Set(toolCalls.map(({ id }) => id));
  const isFine =
    !ids.has('') &&
    ids.size === toolCalls.length &&
    toolCalls.every(({ name }) => isToolName(name));
  if (isFine) return message;
  const seen = new Set<string>();
  const calls = toolCalls.map((call, index): ToolCall => {
    let id = call.id || `call_${step}_${index}`;
    while (seen.has(id)) id = `${id}_${index}`;
    seen.add(id);
    return { ...call, id, name: toToolName(call.name) };
  });
  return { ...message, toolCalls: calls };
}

/** Those of a turn's calls that are not answered: all, unless the run was resumed. */
export function openCalls(calls: ToolCall[], settled: readonly SettledToolCall[]): ToolCall[] {
  if (settled.length === 0) return calls;
  const answered = new Set(settled.map(({ toolCallId }) => toolCallId));
  return calls.filter(({ id }) => !answered.has(id));
}

/** Brings the answers into the order of their calls. */
export function sortLike(calls: readonly ToolCall[], settled: SettledToolCall[]): void {
  const order = new Map(calls.map(({ id }, index) => [id, index]));
  settled.sort((a, b) => order.get(a.toolCallId)! - order.get(b.toolCallId)!);
}

/** What the model is sent of its tools. */
export function toToolMessages(settled: readonly SettledToolCall[]): Message[] {
  return settled.map(({ toolCallId, content }) => ({ role: 'tool', toolCallId, content }));
}

/** A run that waits for approvals, as plain JSON. */
export function toPending(
  { runId, messages, steps, usage, cost }: AgentResult,
  { goal, toolCalls, turn }: Pick<PendingRun, 'goal' | 'toolCalls' | 'turn'>,
): PendingRun {
  const portable = messages.map(withoutBytes);
  const pending: PendingRun = {
    v: 1,
    runId,
    goal,
    toolCalls,
    messages: portable,
    turn: {
      ...turn,
      settled: turn.settled.map(({ content, ...result }) => ({
        ...(toSafeJson(result) as typeof result),
        content: typeof content === 'string' ? content : content.map(toUrl),
      })),
    },
    steps: steps.map((step) => ({
      ...step,
      toolResults: toSafeJson(step.toolResults) as typeof step.toolResults,
    })),
    usage,
    cost,
  };
  return JSON.parse(JSON.stringify(pending)) as PendingRun;
}

function withoutBytes(message: Message): Message {
  return typeof message.content === 'string'
    ? message
    : { ...message, content: message.content.map(toUrl) };
}

/** JSON has no bytes. */
function toUrl(part: ContentPart): ContentPart {
  if (part.type !== 'image' || !('data' in part)) return part;
  const { data, mediaType, ...rest } = part;
  return { ...rest, url: `data:${mediaType};base64,${Buffer.from(data).toString('base64')}` };
}
