import { Injectable, Logger } from '@nestjs/common';
import { ContextIdFactory, DiscoveryService, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { decoratedMethods, HandlerRegistry, HandlerSource, hasHooks } from '../registry/index.js';
import { toolMethods, ToolRegistry } from '../tools/index.js';

/**
 * Finds the providers and controllers that hear something, or have tools, and hands them to the registries.
 *
 * Modules may be loaded at any time, and runs may start before the application is ready: so it looks again whenever
 * there are more modules than before, or providers that were not ready the last time.
 */
@Injectable()
export class Explorer extends HandlerSource {
  readonly #logger = new Logger('Callbacks');
  readonly #done = new WeakSet<InstanceWrapper>();
  #modulesSeen = 0;
  #pending = 0;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly modules: ModulesContainer,
    private readonly registry: HandlerRegistry,
    private readonly tools: ToolRegistry,
  ) {
    super();
  }

  refresh(): void {
    if (this.modules.size !== this.#modulesSeen || this.#pending > 0) this.explore();
  }

  explore(): void {
    this.#modulesSeen = this.modules.size;
    this.#pending = 0;
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      if (this.#done.has(wrapper)) continue;
      if (this.#explore(wrapper)) this.#done.add(wrapper);
      else this.#pending++;
    }
  }

  /** Returns `false` for a provider that is not ready yet. */
  #explore(wrapper: InstanceWrapper): boolean {
    if (wrapper.isAlias) return true;
    if (wrapper.isTransient || !wrapper.isDependencyTreeStatic()) {
      this.#warn(wrapper);
      return true;
    }
    if (!isResolved(wrapper)) return false;
    const instance: unknown = wrapper.instance;
    if (typeof instance !== 'object' || instance === null) return true;
    const prototype: unknown = Object.getPrototypeOf(instance);
    if (typeof prototype !== 'object' || prototype === null) return true;
    if (hasHooks(prototype)) this.registry.discover(instance);
    this.tools.discover(instance);
    return true;
  }

  #warn(wrapper: InstanceWrapper): void {
    const { metatype } = wrapper;
    if (typeof metatype !== 'function' || wrapper.isNotMetatype) return;
    const prototype = metatype.prototype as object;
    const inClass = (found: readonly [method: string, unknown][]) =>
      found.map(([method]) => `${metatype.name}.${method}`).join(', ');
    const why = wrapper.isTransient
      ? 'its class is transient: each of its users has an instance of its own, and none is the one to call'
      : 'its class is request-scoped, or depends on something that is';
    if (hasHooks(prototype)) {
      const what = inClass(decoratedMethods(prototype)) || metatype.name;
      this.#logger.warn(
        `${what} will hear nothing, because ${why}. Put the hooks on a provider of the default scope.`,
      );
    }
    const tools = inClass(toolMethods(prototype));
    if (tools !== '') {
      this.#logger.warn(
        `${tools} will not be offered to agents, because ${why}. Put the tools on a provider of the default scope.`,
      );
    }
  }
}

/** Whether a static provider's instance was built; a class's stands there empty before. */
function isResolved(wrapper: InstanceWrapper): boolean {
  return wrapper.getInstanceByContextId(ContextIdFactory.create()).isResolved === true;
}
