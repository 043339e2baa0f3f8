import { brand } from '../util/brand.js';
import { RunEvent, TerminalEvent } from './event.js';
import type { RunInfo } from './run-info.js';

/** A chain begins. Heard by `@OnChainStart()`. */
export class ChainStartEvent extends RunEvent {
  static {
    brand(this, 'class:ChainStartEvent');
  }

  readonly type = 'chain.start';
  readonly chainName: string;
  /** Its only argument, or the list of them. */
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

/** A chain is done. Heard by `@OnChainEnd()`. */
export class ChainEndEvent extends TerminalEvent {
  static {
    brand(this, 'class:ChainEndEvent');
  }

  readonly type = 'chain.end';
  readonly chainName: string;
  /** What it gave: of a stream of ours its answer, of any other stream `undefined`. */
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

/** A chain failed. Heard by `@OnChainError()`. */
export class ChainErrorEvent extends TerminalEvent {
  static {
    brand(this, 'class:ChainErrorEvent');
  }

  readonly type = 'chain.error';
  readonly chainName: string;
  readonly error: Error;
  /** Whether it was stopped on purpose rather than failed. */
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
