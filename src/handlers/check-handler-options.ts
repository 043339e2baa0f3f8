import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { HandlerOptions } from '../events/handler-options.js';
import { EVENTS } from '../events/event-map.js';
import { isOptions, kindOf, optionNames, unknownOption } from '../util/known-options.js';
import { isTimeoutMs, TIMEOUT_RULE } from '../util/promises.js';
import { type HandlerSpec, type InterceptorOptions, wrapsRuns } from './handler.js';

const INTERCEPTOR_OPTIONS = optionNames<InterceptorOptions<never>>({
  scope: true,
  order: true,
  when: true,
});
const HANDLER_OPTIONS = optionNames<HandlerOptions<never>>({
  scope: true,
  order: true,
  critical: true,
  background: true,
  name: true,
  timeoutMs: true,
  contextFree: true,
  when: true,
});

/** Rejects invalid options of a callback; the error names the method. */
export function checkHandlerOptions(
  spec: Pick<HandlerSpec, 'name' | 'selector'>,
  options: HandlerOptions<never>,
): void {
  const problem =
    problemOfAny(spec, options) ?? (wrapsRuns(spec) ? undefined : problemOfHandler(spec, options));
  if (problem === undefined) return;
  throw new CallbacksConfigurationError(`${spec.name} (${spec.selector}): ${problem}`);
}

function problemOfAny(
  spec: Pick<HandlerSpec, 'selector'>,
  options: HandlerOptions<never>,
): string | undefined {
  if (!isOptions(options)) return `the options must be an object, not ${kindOf(options)}.`;
  const unknown = unknownOption(options, wrapsRuns(spec) ? INTERCEPTOR_OPTIONS : HANDLER_OPTIONS);
  if (unknown !== undefined) return `unknown ${unknown}.`;
  const { order, timeoutMs, when, scope } = options;
  if (order !== undefined && (typeof order !== 'number' || Number.isNaN(order)))
    return 'order must be a number.';
  if (timeoutMs !== undefined && !isTimeoutMs(timeoutMs)) return TIMEOUT_RULE;
  if (when !== undefined && typeof when !== 'function') return 'when must be a function.';
  if (!isScope(scope)) return 'scope must be the name of a client, or a list of names.';
  return undefined;
}

function isScope(scope: unknown): boolean {
  if (scope === undefined) return true;
  const names: unknown[] = Array.isArray(scope) ? scope : [scope];
  return names.length > 0 && names.every((one) => typeof one === 'string' && one !== '');
}

function problemOfHandler(
  { selector }: Pick<HandlerSpec, 'selector'>,
  { critical, background, name, contextFree }: HandlerOptions<never>,
): string | undefined {
  if (selector !== '*' && !Object.hasOwn(EVENTS, selector)) return 'there is no such event.';
  const isNote = selector !== '*' && EVENTS[selector as keyof typeof EVENTS].phase === 'note';
  if (critical !== undefined && typeof critical !== 'boolean')
    return 'critical must be true or false.';
  if (critical && isNote)
    return 'this event cannot be critical, because there is nothing left to stop; remove `critical`.';
  if (background !== undefined && ![true, false, 'durable'].includes(background))
    return "background must be true, false or 'durable'.";
  if (critical && background)
    return 'what runs in the background cannot be critical, because nobody waits for it; remove one of them.';
  if (contextFree !== undefined && typeof contextFree !== 'boolean')
    return 'contextFree must be true or false.';
  if (name === undefined) return undefined;
  if (typeof name !== 'string' || name === '') return 'name must be a text.';
  if (background !== 'durable')
    return "name is for handlers with background: 'durable'; remove it.";
  return undefined;
}
