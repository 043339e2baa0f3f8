/** The kind of run of a decorated method. */
export type MethodWork =
  | { readonly kind: 'chain'; readonly name: string; readonly input: unknown }
  | { readonly kind: 'retrieval'; readonly query: unknown; readonly source: string | undefined };

/** Runs decorated methods of one application. */
export interface MethodRunner {
  /** Its own token, which no test double has here: auto-mocks imitate every other member of a runner. */
  readonly [METHOD_RUNNER]: typeof METHOD_RUNNER;
  /** For a synchronous function: returns its result immediately. */
  callNow<R>(work: MethodWork, method: () => R): R;
  /** For an async function: waits for its start handlers. */
  callInTurn<R>(work: MethodWork, method: () => R): Promise<Awaited<R>>;
}

/** The token of an application's {@link MethodRunner}, and the property that Nest injects it into. */
export const METHOD_RUNNER: unique symbol = Symbol.for('nestjs-llm-callbacks:method-runner');

/** Whether it is the runner of an application, and not a test double. */
export function isMethodRunner(value: unknown): value is MethodRunner {
  return (value as Partial<MethodRunner> | undefined)?.[METHOD_RUNNER] === METHOD_RUNNER;
}
