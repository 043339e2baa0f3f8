import { checkPlace, methodsOf, noteOn } from '../handlers/methods-of.js';
import type { ComposedDecorator } from '../handlers/composed.js';
import type { ToolContext, ToolOptions } from './tool-types.js';

const TOOL = Symbol.for('nestjs-llm-callbacks:tool');

/** Options of `@Tool()`. */
export interface ToolMethodOptions<Args = unknown> extends ToolOptions<Args> {
  /**
   * The tool's name for the model: letters, digits, `_` and `-`, at most 64.
   * @default the method's name
   */
  name?: string;
}

/** Decorates a method that takes the arguments (and a {@link ToolContext}), or nothing. */
export interface ToolDecorator<Args> extends ComposedDecorator {
  <M extends (args: Args, context: ToolContext) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void;
}

/**
 * Offers a provider's method to agents, which list it in their `tools`. The method has access to the provider's
 * dependencies. A Standard Schema type-checks the method's arguments; with a JSON Schema, the method declares their
 * type.
 *
 * @example
 * ```ts
 * const find = { description: 'Finds an order.', parameters: z.object({ id: z.string() }) };
 *
 * class OrderTools { @Tool(find) findOrder({ id }: { id: string }, { signal }: ToolContext) {
 *   return orders.find(id, { signal });
 * } }
 * ```
 */
export function Tool<Args = never>(options: ToolMethodOptions<Args>): ToolDecorator<Args> {
  return (target: object, key: string | symbol, descriptor: PropertyDescriptor) => {
    checkPlace('Tool', target, key, descriptor, 'be a tool');
    noteOn(TOOL, target, key, () => options);
  };
}

/** The tools of a class, own and inherited. */
export function toolMethods(prototype: object): [method: string, options: ToolMethodOptions][] {
  return methodsOf(TOOL, prototype);
}
