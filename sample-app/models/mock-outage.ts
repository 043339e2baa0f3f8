import type { Fixture } from '@copilotkit/aimock';

const OVERLOADED = { error: { message: 'Overloaded', type: 'overloaded_error' }, status: 503 };

/** Makes models of the mock fail. */
export class MockOutage {
  readonly #left = new Map<string, number>();

  /** The next `calls` of a model fail, as if its servers were overloaded; 0 ends an outage. */
  begin(model: string, calls: number): void {
    this.#left.set(model, calls);
  }

  /** Takes precedence over all others. */
  readonly fixture: Fixture = {
    match: { predicate: ({ model }) => this.#leftOf(model) > 0 },
    response: ({ model }) => {
      this.#left.set(model, this.#leftOf(model) - 1);
      return OVERLOADED;
    },
  };

  #leftOf(model: string): number {
    return this.#left.get(model) ?? 0;
  }
}
