import { RunEvent, TerminalEvent } from './event.js';
import type { RunInfo } from './run-info.js';

/** A tool is about to be called. Heard by `@OnToolStart()`. */
export class ToolStartEvent extends RunEvent {
  readonly type = 'tool.start';
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments. */
  readonly args: unknown;

  constructor(run: RunInfo, payload: { toolName: string; toolCallId: string; args: unknown }) {
    super(run);
    this.toolName = payload.toolName;
    this.toolCallId = payload.toolCallId;
    this.args = payload.args;
  }

  protected fields(): readonly string[] {
    return ['toolName', 'toolCallId', 'args'];
  }
}

/** A tool gave its result. Heard by `@OnToolEnd()`. */
export class ToolEndEvent extends TerminalEvent {
  readonly type = 'tool.end';
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments. */
  readonly args: unknown;
  readonly result: unknown;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(
    run: RunInfo,
    payload: {
      toolName: string;
      toolCallId: string;
      args: unknown;
      result: unknown;
      durationMs: number;
    },
  ) {
    super(run);
    this.toolName = payload.toolName;
    this.toolCallId = payload.toolCallId;
    this.args = payload.args;
    this.result = payload.result;
    this.durationMs = payload.durationMs;
  }

  protected fields(): readonly string[] {
    return ['toolName', 'toolCallId', 'args', 'result', 'durationMs'];
  }
}

/** A tool failed, was refused or got arguments that do not fit. Heard by `@OnToolError()`. */
export class ToolErrorEvent extends TerminalEvent {
  readonly type = 'tool.error';
  readonly toolName: string;
  /** The model's id of the call. */
  readonly toolCallId: string;
  /** The arguments. */
  readonly args: unknown;
  readonly error: Error;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(
    run: RunInfo,
    payload: {
      toolName: string;
      toolCallId: string;
      args: unknown;
      error: Error;
      durationMs: number;
    },
  ) {
    super(run);
    this.toolName = payload.toolName;
    this.toolCallId = payload.toolCallId;
    this.args = payload.args;
    this.error = payload.error;
    this.durationMs = payload.durationMs;
  }

  protected fields(): readonly string[] {
    return ['toolName', 'toolCallId', 'args', 'error', 'durationMs'];
  }
}
