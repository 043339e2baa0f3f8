import { types } from 'node:util';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import {
  ANY_EVENT_METHOD,
  CALLBACKS_CLASS,
  EVENT_TYPES,
  EVENTS,
  type EventSelector,
} from '../events/event-map.js';
import type { HandlerOptions } from '../events/handler-options.js';
import { type Named, stableName } from '../util/brand.js';
import { checkHandlerOptions } from './check-handler-options.js';
import { type HandlerFunction, type HandlerSpec, type HookSelector } from './handler.js';
import { decoratedMethods, inheritedMetadata, readScopes } from './metadata.js';

/** The events that the methods of `Callbacks` handle. */
const SELECTOR_BY_METHOD: ReadonlyMap<string, EventSelector> = new Map<string, EventSelector>([
  ...EVENT_TYPES.map((type) => [EVENTS[type].method, type] as const),
  [ANY_EVENT_METHOD, '*'],
]);

/** Whether a provider of this class has handlers: decorated methods, or methods of a `Callbacks` class. */
export function hasHandlers(prototype: object): boolean {
  return decoratedMethods(prototype).length > 0 || CALLBACKS_CLASS in prototype;
}

/**
 * Every callback of an object: decorated methods, including interceptors, and `onXxx` methods without a decorator. An
 * `onXxx` method that overrides a decorated one keeps its options: a critical handler stays critical in a subclass.
 */
export function specsOf(target: object): HandlerSpec[] {
  const owner: Owner = {
    name: target.constructor?.name ?? 'Object',
    scopes: readScopes(target.constructor ?? Object),
  };
  const prototype = (Object.getPrototypeOf(target) ?? {}) as object;
  const decorated = decoratedMethods(prototype);
  // Plain loops: an application may start with thousands of handlers.
  const specs: HandlerSpec[] = [];
  for (const [method, found] of decorated) {
    for (const { selector, options } of found) {
      specs.push(methodSpec(target, owner, method, selector, options));
    }
  }
  if (!mayHandleByName(target)) return specs;
  const byDecorator = new Set(decorated.map(([method]) => method));
  for (const [method, selector] of SELECTOR_BY_METHOD) {
    if (
      byDecorator.has(method) ||
      typeof (target as Record<string, unknown>)[method] !== 'function'
    )
      continue;
    const overridden = inheritedMetadata(prototype, method);
    for (const found of overridden.length > 0 ? overridden : [{ selector, options: {} }]) {
      specs.push(methodSpec(target, owner, method, found.selector, found.options, true));
    }
  }
  return specs;
}

/** The callbacks of an object as a provider: undecorated methods count only if its class is a `Callbacks`. */
export function discoveredSpecs(
  target: object,
  specs: readonly HandlerSpec[],
): readonly HandlerSpec[] {
  return CALLBACKS_CLASS in target ? specs : specs.filter(({ isByName }) => !isByName);
}

/** Whether an object may have an `onXxx` method. Looking up each name is slow if every object has a new class. */
function mayHandleByName(target: object): boolean {
  for (
    let owner: object | null = target;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    // A proxy may have properties that it does not list.
    if (types.isProxy(owner)) return true;
    if (Object.getOwnPropertyNames(owner).some((name) => SELECTOR_BY_METHOD.has(name))) return true;
  }
  return false;
}

/** A callback for a plain function, which becomes the method of a new object. */
export function functionSpec(
  selector: EventSelector,
  fn: HandlerFunction,
  options: HandlerOptions<never>,
): HandlerSpec {
  const name = fn.name || `callbacks.on('${selector}')`;
  return toSpec(
    { name, selector, target: { fn }, method: 'fn', isByName: false },
    options,
    fn.name ? fn : undefined,
  );
}

/** What the callbacks of one object inherit from its class. */
interface Owner {
  readonly name: string;
  readonly scopes: readonly string[] | undefined;
}

function methodSpec(
  target: object,
  owner: Owner,
  method: string,
  selector: HookSelector,
  options: HandlerOptions<never>,
  isByName = false,
): HandlerSpec {
  const name = `${owner.name}.${method}`;
  const spec = { name, selector, target, method, isByName };
  return toSpec(spec, options, target.constructor, owner.scopes);
}

/** @param named the class or function that names the callback */
function toSpec(
  spec: Pick<HandlerSpec, 'name' | 'selector' | 'target' | 'method' | 'isByName'>,
  options: HandlerOptions<never>,
  named?: Named,
  scopes?: readonly string[],
): HandlerSpec {
  checkHandlerOptions(spec, options);
  const scope = options.scope ?? scopes;
  return {
    name: spec.name,
    selector: spec.selector,
    target: spec.target,
    method: spec.method,
    order: options.order ?? 0,
    critical: options.critical ?? false,
    contextFree: options.contextFree ?? false,
    timeoutMs: options.timeoutMs,
    background: options.background ?? false,
    jobName: options.background === 'durable' ? jobName(spec, options, named) : undefined,
    scopes: typeof scope === 'string' ? [scope] : scope,
    when: options.when,
    isByName: spec.isByName,
  };
}

/** The name of a durable handler in the job queue, stable across processes and versions of the application. */
function jobName(
  spec: Pick<HandlerSpec, 'name' | 'selector'>,
  { name }: HandlerOptions<never>,
  named: Named | undefined,
): string {
  if (name !== undefined) return name;
  if (named === undefined || stableName(named) !== undefined) return spec.name;
  throw new CallbacksConfigurationError(
    `${spec.name} (${spec.selector}): the job queue knows a durable handler by its name, and that of its class or function, "${named.name}", is not the same in every build. Give it one: { background: 'durable', name: 'audit' }.`,
  );
}
