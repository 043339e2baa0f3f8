import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { ComposedDecorator } from '../handlers/decorators.js';
import { checkPlace, methodsOf, noteOn } from '../handlers/metadata.js';
import type { ToolContext, ToolDefinition, ToolOptions } from './tool.js';

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

/**
 * Defines a tool from a function, for `tools` of an agent. Its arguments have the type of its Standard Schema; with a
 * JSON Schema, specify it: `defineTool<{ city: string }>({ … })`.
 *
 * @example
 * ```ts
 * const weather = defineTool({
 *   name: 'weather',
 *   description: 'The weather of a city, today.',
 *   parameters: z.object({ city: z.string() }),
 *   execute: ({ city }, { signal }) => fetchWeather(city, signal),
 * });
 * ```
 *
 * @throws CallbacksConfigurationError for a definition without name or `execute`; its schema is checked with its agent.
 */
export function defineTool<Args = unknown>(definition: ToolDefinition<Args>): ToolDefinition<Args> {
  if (typeof definition?.name !== 'string' || typeof definition.execute !== 'function') {
    throw new CallbacksConfigurationError(
      'defineTool() needs a name, a description and an execute function.',
    );
  }
  return definition;
}
