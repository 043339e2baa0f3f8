import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { ToolDefinition } from './tool-types.js';

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
