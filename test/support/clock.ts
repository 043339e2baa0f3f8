import { jest } from '@jest/globals';

/** The process's clocks, moved by a test. Call {@link Clock.release} after it. */
export class Clock {
  #ms = 1_000;
  readonly #spies = [
    jest.spyOn(performance, 'now').mockImplementation(() => this.#ms),
    jest.spyOn(Date, 'now').mockImplementation(() => 1_700_000_000_000 + this.#ms),
  ];

  pass(ms: number): void {
    this.#ms += ms;
  }

  release(): void {
    for (const spy of this.#spies) spy.mockRestore();
  }
}
