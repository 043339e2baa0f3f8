import { brand } from '../util/brand.js';
import { RunEvent, type RunInfo, TerminalEvent } from './event.js';

/** A chain starts. Handled by `@OnChainStart()`. */
export class ChainStartEvent extends RunEvent {
  static {
    brand(this, 'class:ChainStartEvent');
  }

  readonly type = 'chain.start';
  readonly chainName: string;
  /** Its only argument, or the list of arguments. */
  readonly input: unknown;

  constructor(run: RunInfo, payload: { chainName: string; input: unknown }) {
    super(run);
    this.chainName = payload.chainName;
    this.input = payload.input;
  }

  protected fields(): readonly string[] {
    return ['chainName', 'input'];
  }
}

/** A chain completed. Handled by `@OnChainEnd()`. */
export class ChainEndEvent extends TerminalEvent {
  static {
    brand(this, 'class:ChainEndEvent');
  }

  readonly type = 'chain.end';
  readonly chainName: string;
  /** The result: the answer of an `LlmStream` or `AgentStream`, `undefined` for any other stream. */
  readonly result: unknown;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(run: RunInfo, payload: { chainName: string; result: unknown; durationMs: number }) {
    super(run);
    this.chainName = payload.chainName;
    this.result = payload.result;
    this.durationMs = payload.durationMs;
  }

  protected fields(): readonly string[] {
    return ['chainName', 'result', 'durationMs'];
  }
}

/** A chain failed. Handled by `@OnChainError()`. */
export class ChainErrorEvent extends TerminalEvent {
  static {
    brand(this, 'class:ChainErrorEvent');
  }

  readonly type = 'chain.error';
  readonly chainName: string;
  readonly error: Error;
  /** Whether the run was aborted rather than failed. */
  readonly aborted: boolean;
  /** Milliseconds, monotonic. */
  readonly durationMs: number;

  constructor(
    run: RunInfo,
    payload: { chainName: string; error: Error; aborted: boolean; durationMs: number },
  ) {
    super(run);
    this.chainName = payload.chainName;
    this.error = payload.error;
    this.aborted = payload.aborted;
    this.durationMs = payload.durationMs;
  }

  protected fields(): readonly string[] {
    return ['chainName', 'error', 'aborted', 'durationMs'];
  }
}
