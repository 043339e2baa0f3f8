import { brand } from '../util/brand.js';
import type { ToolApproval } from '../types/tool.js';
import { RunEvent, TerminalEvent } from './event.js';
import type { RunInfo } from './run-info.js';

/** What every event of a tool says of its call. */
export interface ToolCallInfo {
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments: validated ones, or what the model sent where they do not fit. */
  readonly args: unknown;
  /** Set where the call needs a person's approval. */
  readonly approval?: ToolApproval | undefined;
}

const CALL_FIELDS = ['toolName', 'toolCallId', 'args', 'approval'] as const;

/** A tool is about to be called. Heard by `@OnToolStart()`. */
export class ToolStartEvent extends RunEvent implements ToolCallInfo {
  static {
    brand(this, 'class:ToolStartEvent');
  }

  readonly type = 'tool.start';
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments: validated ones, or what the model sent where they do not fit. */
  readonly args: unknown;
  /** Set where the call needs a person's approval: `pending` when it is asked for now. */
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

/** A tool gave its result. Heard by `@OnToolEnd()`. */
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
  /** Set where the call needs a person's approval; `pending`: nobody has answered, and the tool was not called. */
  readonly approval: ToolApproval | undefined;
  /** What the tool returned, whole. */
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

/** A tool failed, was refused or got arguments that do not fit. Heard by `@OnToolError()`. */
export class ToolErrorEvent extends TerminalEvent implements ToolCallInfo {
  static {
    brand(this, 'class:ToolErrorEvent');
  }

  readonly type = 'tool.error';
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments: validated ones, or what the model sent where they do not fit. */
  readonly args: unknown;
  /** Set where the call needs a person's approval. */
  readonly approval: ToolApproval | undefined;
  readonly error: Error;
  /** Whether it was stopped on purpose rather than failed. */
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
