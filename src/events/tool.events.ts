import { brand } from '../util/brand.js';
import type { ToolApproval } from '../types/message.js';
import { RunEvent, type RunInfo, TerminalEvent } from './event.js';

/** The fields of a tool call in every tool event. */
export interface ToolCallInfo {
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments: validated, or as the model sent them if they are invalid. */
  readonly args: unknown;
  /** Set if the call needs a person's approval. */
  readonly approval?: ToolApproval | undefined;
}

const CALL_FIELDS = ['toolName', 'toolCallId', 'args', 'approval'] as const;

/** A tool is about to be called. Handled by `@OnToolStart()`. */
export class ToolStartEvent extends RunEvent implements ToolCallInfo {
  static {
    brand(this, 'class:ToolStartEvent');
  }

  readonly type = 'tool.start';
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments: validated, or as the model sent them if they are invalid. */
  readonly args: unknown;
  /** Set if the call needs a person's approval: `pending` if it is now requested. */
  readonly approval: ToolApproval | undefined;

  constructor(run: RunInfo, call: ToolCallInfo) {
    super(run);
    this.toolName = call.toolName;
    this.toolCallId = call.toolCallId;
    this.args = call.args;
    this.approval = call.approval;
  }

  protected fields(): readonly string[] {
    return CALL_FIELDS;
  }
}

/** A tool call completed. Handled by `@OnToolEnd()`. */
export class ToolEndEvent extends TerminalEvent implements ToolCallInfo {
  static {
    brand(this, 'class:ToolEndEvent');
  }

  readonly type = 'tool.end';
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments. */
  readonly args: unknown;
  /** Set if the call needs a person's approval; `pending`: nobody has decided yet, and the tool was not called. */
  readonly approval: ToolApproval | undefined;
  /** The tool's whole result. */
  readonly result: unknown;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(run: RunInfo, call: ToolCallInfo & { result: unknown; durationMs: number }) {
    super(run);
    this.toolName = call.toolName;
    this.toolCallId = call.toolCallId;
    this.args = call.args;
    this.approval = call.approval;
    this.result = call.result;
    this.durationMs = call.durationMs;
  }

  protected fields(): readonly string[] {
    return [...CALL_FIELDS, 'result', 'durationMs'];
  }
}

/** A tool call failed, was refused or had invalid arguments. Handled by `@OnToolError()`. */
export class ToolErrorEvent extends TerminalEvent implements ToolCallInfo {
  static {
    brand(this, 'class:ToolErrorEvent');
  }

  readonly type = 'tool.error';
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments: validated, or as the model sent them if they are invalid. */
  readonly args: unknown;
  /** Set if the call needs a person's approval. */
  readonly approval: ToolApproval | undefined;
  readonly error: Error;
  /** Whether the run was aborted rather than failed. */
  readonly aborted: boolean;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(
    run: RunInfo,
    call: ToolCallInfo & { error: Error; aborted: boolean; durationMs: number },
  ) {
    super(run);
    this.toolName = call.toolName;
    this.toolCallId = call.toolCallId;
    this.args = call.args;
    this.approval = call.approval;
    this.error = call.error;
    this.aborted = call.aborted;
    this.durationMs = call.durationMs;
  }

  protected fields(): readonly string[] {
    return [...CALL_FIELDS, 'error', 'aborted', 'durationMs'];
  }
}
