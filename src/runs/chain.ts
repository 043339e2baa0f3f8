import { optionNames } from '../util/known-options.js';
import { runMethod, type RunDecorator, type RunMethodOptions } from './run-method.js';

/** Options of `@Chain()`. */
export interface ChainOptions extends RunMethodOptions {
  /**
   * What the chain is called.
   * @default `Class.method`, with the class of the instance
   */
  name?: string;
}

const CHAIN_OPTIONS = optionNames<ChainOptions>({ name: true, async: true });

/**
 * Runs a method as a chain: everything that is called inside is nested under it, and it is heard by `@OnChainStart()`,
 * `@OnChainEnd()` and `@OnChainError()`. Goes on any method of a provider or controller of any scope, above or below
 * other decorators. The method keeps `this`, its arguments, and whether it is synchronous.
 *
 * `input` is the only argument, or the list of them; `result` is what the method returned.
 *
 * - A method that is `async` waits for its start handlers, and a critical one stops it before its body runs. So does
 *   one that other decorators below have wrapped (`@Transactional()`, `@Span()`), and one that is declared to return a
 *   `Promise`, where the compiler emits decorator metadata; `async: true` says so of any other. The terminal event
 *   precedes the end of the promise.
 * - Any other method is called at once: only a critical handler that is synchronous stops it. What an asynchronous one
 *   throws rejects the promise that the method returned or fails the stream; for a plain value it comes too late, and is
 *   told as `callback.error`.
 * - A stream as result (`LlmStream`, `AgentStream`, async iterables, streams of Node and of the web, Observables) keeps
 *   the chain open until it ends or is disposed of; a first read or subscription counts. The caller gets it at once: the
 *   very object, and for an Observable one that mirrors it. `result` is then the `LlmResponse` or `AgentResult`, and
 *   `undefined` for any other stream, which is not collected.
 *
 * Instances that Nest did not build (`new X()`, `useValue`, what a `useFactory` returns) stay plain objects: there the
 * method runs as it is. So it does where a constructor calls it, and in applications without `CallbacksModule`.
 *
 * @param name what the chain is called, or {@link ChainOptions}; by default `Class.method`, with the class of the instance
 * @throws CallbacksConfigurationError on anything but an instance method with a string name
 *
 * @example
 * ```ts
 * class Answers { @Chain('answer-ticket') async answer(ticket: Ticket) {
 *   const facts = await this.help.search(ticket.text);
 *   return this.llm.generate(`${facts.join('\n')}\n\n${ticket.text}`);
 * } }
 * ```
 */
export function Chain(name?: string | ChainOptions): RunDecorator {
  const options = typeof name === 'string' || name === undefined ? { name } : name;
  return runMethod('Chain', options as ChainOptions, CHAIN_OPTIONS, (owner, method, args) => ({
    kind: 'chain',
    name: options?.name ?? `${owner.constructor.name}.${method}`,
    input: args.length === 1 ? args[0] : args,
  }));
}
