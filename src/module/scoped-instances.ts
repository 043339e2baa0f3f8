import { ModuleRef, type ContextId } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { InstanceOwner, InstanceSource } from '../handlers/instance-source.js';
import type { ContextStore } from '../runs/context-store.js';
import type { InstanceContexts } from './instance-contexts.js';

/** The instances of one provider that is request-scoped, durable, or depends on something that is. */
export class ScopedInstances implements InstanceSource {
  readonly #instances = new WeakMap<ContextId, object | Promise<object>>();

  constructor(
    private readonly wrapper: InstanceWrapper,
    private readonly contexts: InstanceContexts,
    private readonly store: ContextStore,
  ) {}

  of(owner: InstanceOwner): object | Promise<object> {
    const context = this.contexts.of(owner);
    let instance = this.#instances.get(context);
    if (instance === undefined) {
      // A call in a constructor is a separate run: its handlers may need the instance that is being created.
      instance = this.store.apart(() => this.#build(context));
      this.#instances.set(context, instance);
    }
    return instance;
  }

  /** The instance for the current run. */
  here(): object | Promise<object> {
    const frame = this.store.current;
    return this.of({ request: frame?.request, root: frame?.run?.root ?? {} });
  }

  async #build(context: ContextId): Promise<object> {
    try {
      const { host, token } = this.wrapper;
      const moduleRef = host!.getProviderByKey<ModuleRef>(ModuleRef).instance;
      const instance = await moduleRef.resolve<object>(token, context, { strict: true });
      this.#instances.set(context, instance);
      return instance;
    } catch (error) {
      // The next caller tries again.
      this.#instances.delete(context);
      throw error;
    }
  }
}
