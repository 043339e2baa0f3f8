import {
  ToolEndEvent,
  ToolErrorEvent,
  ToolStartEvent,
  type ToolCallInfo,
} from '../events/tool.events.js';
import type { WorkEvents } from './traced-run.js';

/** The events of one tool call; its arguments and approval are read when each event is created. */
export function toolEvents(call: ToolCallInfo): WorkEvents<unknown> {
  const info = (): ToolCallInfo => ({
    toolName: call.toolName,
    toolCallId: call.toolCallId,
    args: call.args,
    approval: call.approval,
  });
  return {
    start: (run) => new ToolStartEvent(run, info()),
    end: (run, result, durationMs) => new ToolEndEvent(run, { ...info(), result, durationMs }),
    error: (run, failure) => new ToolErrorEvent(run, { ...info(), ...failure }),
  };
}
