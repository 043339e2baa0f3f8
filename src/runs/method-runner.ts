/** How a decorated method is heard. */
export type MethodWork =
  | { readonly kind: 'chain'; readonly name: string; readonly input: unknown }
  | { readonly kind: 'retrieval'; readonly query: unknown; readonly source: string | undefined };

/** Runs decorated methods of one application. */
export interface MethodRunner {
  /** Its own token, which no test double has here: auto-mocks answer any other question as a runner would. */
  readonly [METHOD_RUNNER]: typeof METHOD_RUNNER;
  /** For a plain function: gives at once what it gives. */
  callNow<R>(work: MethodWork, method: () => R): R;
  /** For an async function: waits for those who hear that it starts. */
  callInTurn<R>(work: MethodWork, method: () => R): Promise<Awaited<R>>;
}

/** The token of an application's {@link MethodRunner}, and the property that Nest injects it into. */
export const METHOD_RUNNER: unique symbol = Symbol.for('nestjs-llm-callbacks:method-runner');

/** Whether it is the runner of an application, and not what a test has injected in its place. */
export function isMethodRunner(value: unknown): value is MethodRunner {
  return (value as Partial<MethodRunner> | undefined)?.[METHOD_RUNNER] === METHOD_RUNNER;
}
