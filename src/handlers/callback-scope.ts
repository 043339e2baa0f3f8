import { setScopes } from './hook-metadata.js';
import { checkLegacy } from './methods-of.js';

/**
 * Limits every handler of a class to the runs of these named clients and everything nested under them. A `scope` on a
 * decorator overrides it for that handler.
 *
 * @example
 * ```ts
 * // above the class: @Injectable() @CallbackScope('support')
 * class SupportAudit { @OnLlmEnd() record(event: LlmEndEvent) {} }
 * ```
 */
export function CallbackScope(...scopes: [string, ...string[]]): ClassDecorator {
  return (target, ...context: unknown[]) => {
    checkLegacy('@CallbackScope()', context[0]);
    setScopes(target, scopes);
  };
}
