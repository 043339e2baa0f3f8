import type { MessageEvent } from '@nestjs/common';
import { describeError } from '../errors/callbacks-error.js';
import { EVENTS, type CallbackEvent } from '../events/event-map.js';
import { toSafeJson } from '../events/serialize.js';
import type { ToolEndEvent, ToolErrorEvent, ToolStartEvent } from '../events/tool.events.js';
import type { AgentStep } from '../types/agent.js';
import type { LlmChunk } from '../types/llm.js';

/** Which events of an agent are sent, and how much of them. */
export interface SseView {
  /** The agent's run: the output of models and agents inside its tools is part of the tools' results. */
  readonly runId: string | undefined;
  /** Whether arguments and results are sent. */
  readonly content: boolean;
}

/** Returns what a client receives of an event, if anything. */
export function toSseMessage(event: CallbackEvent, view: SseView): MessageEvent | undefined {
  switch (event.type) {
    case 'llm.chunk': {
      if (event.parentRunId !== view.runId) return undefined;
      const chunk = view.content ? event.chunk : withoutArguments(event.chunk);
      return chunk && { type: 'chunk', data: chunk };
    }
    case 'agent.step':
      if (event.runId !== view.runId) return undefined;
      return { type: 'step', data: stepOf(event.step, view) };
    case 'tool.start':
    case 'tool.end':
    case 'tool.error':
      return { type: 'tool', data: toolOf(event, view) };
    default:
      return undefined;
  }
}

/** The start of a tool call, which names it; the rest is arguments. */
function withoutArguments(chunk: LlmChunk): LlmChunk | undefined {
  if (chunk.type !== 'tool-call') return chunk;
  if (chunk.id === undefined && chunk.name === undefined) return undefined;
  return { ...chunk, argsDelta: '' };
}

function stepOf(step: AgentStep, { content }: SseView): object {
  const { index, action, text, usage, cost } = step;
  const toolCalls = step.toolCalls.map(({ id, name, args }) => ({
    id,
    name,
    ...(content && { args: toSafeJson(args) }),
  }));
  const toolResults = step.toolResults.map(({ toolCallId, toolName, result, error }) => ({
    toolCallId,
    toolName,
    ...(content && { result: toSafeJson(result) }),
    ...(error && { error: content ? error : { code: error.code } }),
  }));
  return { index, action, text, toolCalls, toolResults, usage, cost };
}

function toolOf(
  event: ToolStartEvent | ToolEndEvent | ToolErrorEvent,
  { content }: SseView,
): object {
  const { type, toolCallId, toolName, args, approval } = event;
  const error = type === 'tool.error' ? describeError(event.error) : undefined;
  return {
    phase: EVENTS[type].phase,
    toolCallId,
    toolName,
    ...(type !== 'tool.start' && { durationMs: event.durationMs }),
    ...(approval && { approval: content ? approval : { status: approval.status } }),
    ...(error && { error: content ? error : { code: error.code } }),
    ...(content && { args: toSafeJson(args) }),
    ...(content && type === 'tool.end' && { result: toSafeJson(event.result) }),
  };
}
