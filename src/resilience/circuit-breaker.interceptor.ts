import type { CircuitBreakerPolicy } from 'cockatiel';
import { brand } from '../util/brand.js';
import packages from '../util/packages.cjs';
import { CallbackAbort } from '../errors/callbacks-error.js';
import { LlmAbortedError, LlmOverloadedError } from '../errors/llm-errors.js';
import { optionNames } from '../util/known-options.js';
import { type InterceptedModelCall, InterceptModel, type ModelNext } from '../llm/interceptors.js';
import { LlmStream } from '../llm/llm-stream.js';
import type { ModelResponse } from '../types/llm.js';
import { checkerFor, checkNext, firstChunk, isTransient, type StartedStream } from './retryable.js';

/** Options of {@link CircuitBreakerInterceptor}. */
export interface CircuitBreakerOptions {
  /**
   * After how many consecutive failures a client's circuit opens.
   * @default 5
   */
  failures?: number;
  /**
   * After how many milliseconds one request is allowed, to test whether the client has recovered.
   * @default 30_000
   */
  resetMs?: number;
  /**
   * Which errors count as failures of the client.
   * @default those that are `retryable`
   */
  when?: (error: unknown) => boolean;
}

const OPTIONS = optionNames<CircuitBreakerOptions>({ failures: true, resetMs: true, when: true });

/** `'closed'`: requests pass; `'open'`: they are rejected; `'half-open'`: one is allowed, as a trial. */
export type CircuitBreakerState = 'closed' | 'open' | 'half-open';

/**
 * Stops requests to a client that keeps failing, for a while: calls fail immediately with an `LlmOverloadedError`,
 * which a `FallbackInterceptor` around it handles by trying another client. Each client has its own circuit, in this
 * process.
 *
 * @example
 * ```ts
 * callbacks: [new FallbackInterceptor({ clients: ['backup'] }), new CircuitBreakerInterceptor({ failures: 3 })]
 * ```
 */
export class CircuitBreakerInterceptor {
  static {
    brand(this, 'class:CircuitBreakerInterceptor');
  }

  readonly #circuits = new Map<string, CircuitBreakerPolicy>();
  readonly #newCircuit: () => CircuitBreakerPolicy;

  // Not @Injectable(): Nest would try to resolve the options, and the mocker of a test would invent some.
  constructor(options: CircuitBreakerOptions = {}) {
    const check = checkerFor('CircuitBreakerInterceptor', options, OPTIONS);
    const { failures = 5, resetMs = 30_000, when = isTransient } = options;
    check(Number.isInteger(failures) && failures > 0, 'failures must be a whole number above 0.');
    check(resetMs > 0, 'resetMs must be above 0 milliseconds.');
    const { circuitBreaker, CircuitState, ConsecutiveBreaker, handleWhen } = packages.cockatiel();
    this.#newCircuit = () => {
      const isFailure = (error: unknown) =>
        when(error) || (circuit.state === CircuitState.HalfOpen && isNoAnswer(error));
      const breaker = new ConsecutiveBreaker(failures);
      const circuit = circuitBreaker(handleWhen(isFailure), { halfOpenAfter: resetMs, breaker });
      return circuit;
    };
  }

  /** Returns the state of a client's circuit. */
  state(client = 'default'): CircuitBreakerState {
    const { CircuitState } = packages.cockatiel();
    switch (this.#circuits.get(client)?.state) {
      case CircuitState.Open:
      case CircuitState.Isolated:
        return 'open';
      case CircuitState.HalfOpen:
        return 'half-open';
      case CircuitState.Closed:
      case undefined:
        return 'closed';
    }
  }

  /** Sends the request unless the client's circuit is open. */
  @InterceptModel()
  async intercept(
    { client, signal, observed }: InterceptedModelCall,
    next: ModelNext,
  ): Promise<ModelResponse | LlmStream | StartedStream> {
    checkNext('CircuitBreakerInterceptor', next);
    const circuit = this.#circuitOf(client);
    try {
      return await new Promise<ModelResponse | LlmStream | StartedStream>((resolve, reject) => {
        const executing = circuit.execute(async () => {
          const given = next();
          if (!(given instanceof LlmStream)) return given;
          if (!observed) return firstChunk(given);
          // It must be passed on unread.
          resolve(given);
          return endOf(given);
        }, signal);
        executing.then(resolve, reject);
      });
    } catch (error) {
      if (!packages.cockatiel().isBrokenCircuitError(error)) throw error;
      throw new LlmOverloadedError(
        `The client "${client}" has failed several times in a row and is not asked for a while.`,
        { cause: error },
      );
    }
  }

  #circuitOf(client: string): CircuitBreakerPolicy {
    let circuit = this.#circuits.get(client);
    if (circuit === undefined) {
      circuit = this.#newCircuit();
      this.#circuits.set(client, circuit);
    }
    return circuit;
  }
}

function endOf(stream: LlmStream): Promise<LlmStream> {
  return new Promise((resolve, reject) => {
    stream.onComplete((outcome) => {
      const { error } = outcome as { error?: Error };
      if (error === undefined) resolve(stream);
      else reject(error);
    });
  });
}

/**
 * Whether a trial was aborted or rejected on this side, which shows nothing about the client; any other answer does.
 */
function isNoAnswer(error: unknown): boolean {
  return error instanceof LlmAbortedError || error instanceof CallbackAbort;
}
