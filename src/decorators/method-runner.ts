/** How a decorated method is heard. */
export type MethodWork =
  | { readonly kind: 'chain'; readonly name: string; readonly input: unknown }
  | { readonly kind: 'retrieval'; readonly query: unknown; readonly source: string | undefined };

/** Runs decorated methods of one application. */
export interface MethodRunner {
  /** For a plain function: gives at once what it gives. */
  callNow<R>(work: MethodWork, method: () => R): R;
  /** For an async function: waits for those who hear that it starts. */
  callInTurn<R>(work: MethodWork, method: () => R): Promise<Awaited<R>>;
}

/** The token of an application's {@link MethodRunner}, and the property that Nest injects it into. */
export const METHOD_RUNNER: unique symbol = Symbol.for('nestjs-llm-callbacks:method-runner');
