import { brand } from '../util/brand.js';
import { RunEvent, type RunInfo } from './event.js';

/**
 * A limiter with `mode: 'wait'` made the call wait; emitted when the wait is over, whether the call may go on or is
 * refused. Not emitted if the call was aborted meanwhile: the `limiterWaitMs` of its terminal event has the wait then.
 * Handled by `@OnLimiterWait()`.
 */
export class LimiterWaitEvent extends RunEvent {
  static {
    brand(this, 'class:LimiterWaitEvent');
  }

  readonly type = 'limiter.wait';
  /** The name of the limiter. */
  readonly limiter: string;
  /** How long the call waited, in milliseconds. */
  readonly waitedMs: number;

  constructor(run: RunInfo, wait: { limiter: string; waitedMs: number }) {
    super(run);
    this.limiter = wait.limiter;
    this.waitedMs = wait.waitedMs;
  }

  protected fields(): readonly string[] {
    return ['limiter', 'waitedMs'];
  }
}
