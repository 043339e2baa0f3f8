import { setTimeout } from 'node:timers/promises';
import { OnLlmStart, type HandlerContext, type LlmStartEvent } from 'nestjs-llm-callbacks';

export class CallsPerMinute {
  readonly #starts: number[] = [];

  constructor(
    private readonly limit: number,
    private readonly windowMs = 60_000,
  ) {}

  // The start of a call is awaited, so a handler that waits holds the call back.
  // Critical handlers are skipped once another one has refused the call: no waiting for nothing.
  @OnLlmStart({ critical: true, order: 10 })
  async waitForTurn(_event: LlmStartEvent, { signal }: HandlerContext) {
    for (;;) {
      const now = performance.now();
      while (this.#starts.length > 0 && this.#starts[0]! <= now - this.windowMs) {
        this.#starts.shift();
      }
      if (this.#starts.length < this.limit) break;
      // The signal fires when the run is aborted: nobody waits for a call that is not wanted.
      await setTimeout(this.#starts[0]! + this.windowMs - now, undefined, { signal });
    }
    this.#starts.push(performance.now());
  }
}
