import { Injectable } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, ModulesContainer, REQUEST } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { hasHandlers } from '../handlers/find-handlers.js';
import { wrapsRuns } from '../handlers/handler.js';
import { HandlerRegistry, HandlerSource } from '../handlers/handler-registry.js';
import { decoratedMethods } from '../handlers/metadata.js';
import { ContextStore } from '../runs/run-context.js';
import { ToolRegistry } from '../tools/tool-registry.js';
import { toolMethods } from '../tools/tool.decorator.js';
import { InstanceContexts, ScopedInstances } from './scoped-instances.js';
import { checkInjectedClients, Warnings } from './warnings.js';

/**
 * Finds the providers and controllers with handlers or tools, and registers them.
 *
 * Modules may be loaded at any time, and runs may start before the application is ready: it searches again whenever
 * there are new modules, or providers that were not ready the last time.
 */
@Injectable()
export class Explorer extends HandlerSource {
  readonly #warnings = new Warnings();
  readonly #done = new WeakSet<InstanceWrapper>();
  #modulesSeen = 0;
  #pending = 0;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly modules: ModulesContainer,
    private readonly registry: HandlerRegistry,
    private readonly tools: ToolRegistry,
    private readonly contexts: InstanceContexts,
    private readonly store: ContextStore,
  ) {
    super();
  }

  refresh(): void {
    if (this.modules.size !== this.#modulesSeen || this.#pending > 0) this.explore();
  }

  explore(): void {
    this.#modulesSeen = this.modules.size;
    const all = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    const found = all.filter((wrapper) => !wrapper.isAlias && !this.#done.has(wrapper));
    const isBuilding = found.some((wrapper) => !isReady(wrapper));
    this.#pending = 0;
    // While the application is built, a test's mocks may not be in place.
    if (!isBuilding) this.#checkModules();
    for (const wrapper of found) {
      // While the application is built, creating a request-scoped instance could deadlock.
      if (isScoped(wrapper) ? isBuilding : !isReady(wrapper)) {
        this.#pending++;
        continue;
      }
      this.#done.add(wrapper);
      refuseAsEnhancer(wrapper);
      if (isScoped(wrapper)) this.#exploreScoped(wrapper, all);
      else this.#exploreStatic(wrapper);
    }
  }

  #checkModules(): void {
    checkInjectedClients(this.modules.values());
    for (const { injectables } of this.modules.values()) injectables.forEach(refuseAsEnhancer);
  }

  #exploreStatic(wrapper: InstanceWrapper): void {
    if (wrapper.isTransient) {
      const prototype = prototypeOf(wrapper);
      if (prototype !== undefined) this.#warnings.ofTransient(prototype);
      return;
    }
    const instance: unknown = wrapper.instance;
    if (typeof instance !== 'object' || instance === null) return;
    const prototype: unknown = Object.getPrototypeOf(instance);
    if (typeof prototype !== 'object' || prototype === null) return;
    if (hasHandlers(prototype)) {
      this.#warnings.ofTwoModules(wrapper, prototype);
      this.registry.discover(instance);
    }
    this.tools.discover(instance, moduleOf(wrapper));
  }

  #exploreScoped(wrapper: InstanceWrapper, all: readonly InstanceWrapper[]): void {
    const prototype = prototypeOf(wrapper);
    if (prototype !== undefined && this.#discoverScoped(wrapper, prototype)) return;
    if (!wrapper.isFactory || wrapper.token === REQUEST) return;
    if (prototype === undefined && !isInjected(wrapper, all)) this.#warnings.ofUnknown(wrapper);
    onceMade(wrapper, (made) => {
      const its = Object.getPrototypeOf(made) as object | null;
      if (its !== null && this.#discoverScoped(wrapper, its)) this.#warnings.ofLate(wrapper, its);
    });
  }

  /** Returns `false` for a class without handlers or tools. */
  #discoverScoped(wrapper: InstanceWrapper, prototype: object): boolean {
    const handles = hasHandlers(prototype);
    if (!handles && toolMethods(prototype).length === 0) return false;
    // Represents all its instances.
    const provider = Object.create(prototype) as object;
    const instances = new ScopedInstances(wrapper, this.contexts, this.store);
    if (handles) {
      this.#warnings.ofTwoModules(wrapper, prototype);
      this.registry.discover(provider, instances);
    }
    this.tools.discover(provider, moduleOf(wrapper), () => instances.here());
    this.store.holdsRequests = true;
    return true;
  }
}

/** Whether each request, or each durable context, has its own instance. */
function isScoped(wrapper: InstanceWrapper): boolean {
  return !wrapper.isTransient && !wrapper.isDependencyTreeStatic();
}

/** A static instance is the same in every context. */
const NO_REQUEST = ContextIdFactory.create();

/** Whether the instance can be used: Nest holds an empty instance of a static class before it is constructed. */
function isReady(wrapper: InstanceWrapper): boolean {
  return (
    wrapper.isTransient ||
    isScoped(wrapper) ||
    wrapper.getInstanceByContextId(NO_REQUEST).isResolved === true
  );
}

/**
 * Rejects an interceptor of LLM calls, tools or agents that was passed to Nest as a request interceptor, with
 * `@UseInterceptors()` or `APP_INTERCEPTOR`: the two share only the name of their method.
 */
function refuseAsEnhancer(wrapper: InstanceWrapper): void {
  if (wrapper.subtype !== 'interceptor') return;
  const prototype = instancePrototype(wrapper) ?? prototypeOf(wrapper);
  if (prototype === undefined) return;
  const isOurs = decoratedMethods(prototype).some(
    ([method, metadata]) => method === 'intercept' && metadata.some(wrapsRuns),
  );
  if (!isOurs) return;
  const { name } = prototype.constructor;
  throw new CallbacksConfigurationError(
    `${name} intercepts LLM calls, tools or agents, not requests, so that it can be neither in @UseInterceptors() nor APP_INTERCEPTOR: list it under "providers", or give an instance in a list of callbacks. If Nest's interceptor of that name was meant, import it from its own package.`,
  );
}

function instancePrototype({ instance }: InstanceWrapper): object | undefined {
  if (typeof instance !== 'object' || instance === null) return undefined;
  return Object.getPrototypeOf(instance) as object | undefined;
}

/**
 * The prototype of a provider's instances, as far as it is known before one exists: for a factory, the class that is
 * its token.
 */
function prototypeOf({ isNotMetatype, metatype, token }: InstanceWrapper): object | undefined {
  const type = isNotMetatype ? token : metatype;
  return typeof type === 'function' ? (type.prototype as object | undefined) : undefined;
}

/** Calls `notify` with the first object that a factory creates, for any consumer. */
function onceMade(factory: InstanceWrapper, notify: (made: object) => void): void {
  const make = factory.metatype as (...dependencies: unknown[]) => unknown;
  factory.metatype = async (...dependencies: unknown[]) => {
    const made = await make(...dependencies);
    if (typeof made === 'object' && made !== null && factory.metatype !== make) {
      factory.metatype = make;
      notify(made);
    }
    return made;
  };
}

/** Whether one of `others` has a provider injected. */
function isInjected(provider: InstanceWrapper, others: readonly InstanceWrapper[]): boolean {
  return others.some((other) => {
    const properties = other.getPropertiesMetadata() ?? [];
    const injected = [...(other.getCtorMetadata() ?? []), ...properties.map((one) => one.wrapper)];
    return injected.includes(provider);
  });
}

/** The name of the module that provides it. */
function moduleOf({ host }: InstanceWrapper): string {
  return host?.name ?? 'a module';
}
