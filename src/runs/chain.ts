import { optionNames } from '../util/known-options.js';
import { runMethod, type RunDecorator, type RunMethodOptions } from './run-method.js';

/** Options of `@Chain()`. */
export interface ChainOptions extends RunMethodOptions {
  /**
   * The name of the chain.
   * @default `Class.method`, with the class of the instance
   */
  name?: string;
}

const CHAIN_OPTIONS = optionNames<ChainOptions>({ name: true, async: true });

/**
 * Runs a method as a chain: all runs inside are nested under it, and `@OnChainStart()`, `@OnChainEnd()` and
 * `@OnChainError()` handle its events. Use it on any method of a provider or controller of any scope, above or below
 * other decorators. The method keeps `this` and its arguments, and stays sync or async.
 *
 * `input` is the only argument, or the list of arguments; `result` is the returned value.
 *
 * - An `async` method waits for its start handlers, and a critical one can stop it before its body runs. The same
 *   applies to an `async` method that other decorators below have wrapped (`@Transactional()`, `@Span()`), and to a
 *   method declared to return a `Promise`, if the compiler emits decorator metadata; set `async: true` for any other
 *   method. The terminal event precedes the settling of the promise.
 * - Any other method is called immediately: only a synchronous critical handler can stop it. An error of an
 *   asynchronous one rejects the promise that the method returned, or fails the stream; for a plain value it is too
 *   late, and is emitted as `callback.error`.
 * - If the result is a stream (`LlmStream`, `AgentStream`, an async iterable, a Node or web stream, an Observable), the
 *   chain stays open until the first read or subscription ends, or the stream is disposed of. The caller gets the
 *   stream immediately: the same object, or a mirror of an Observable. `result` is then the `LlmResponse` or
 *   `AgentResult`; for any other stream, which is not collected, it is `undefined`.
 *
 * Instances that Nest did not create (`new X()`, `useValue`, results of `useFactory`) stay plain objects: their methods
 * run without a chain. The same applies to calls from a constructor, and to applications without `CallbacksModule`.
 *
 * @param name the name of the chain, or {@link ChainOptions}; by default `Class.method`, with the class of the instance
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
