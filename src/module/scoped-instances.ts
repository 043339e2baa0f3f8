import { Injectable } from '@nestjs/common';
import { type ContextId, ContextIdFactory, ModuleRef } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { InstanceOwner, InstanceSource } from '../handlers/handler.js';
import type { ContextStore } from '../runs/run-context.js';

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

/** Maps every owner of instances to the context id under which Nest stores them. */
@Injectable()
export class InstanceContexts {
  /** By request, or by the root of a tree of runs; weak, so that both can be garbage-collected. */
  readonly #contexts = new WeakMap<object, ContextId>();

  constructor(private readonly moduleRef: ModuleRef) {}

  of({ request, root }: InstanceOwner): ContextId {
    const owner = request ?? root;
    let context = this.#contexts.get(owner);
    if (context === undefined) {
      context = request === undefined ? ContextIdFactory.create() : this.#ofRequest(request);
      this.#contexts.set(owner, context);
    }
    return context;
  }

  /**
   * The context in which Nest created the request's controller, or a new one if that context does not belong to the
   * request.
   */
  #ofRequest(request: object): ContextId {
    const context = ContextIdFactory.getByRequest(request);
    // Nest returns the same id twice only if it is stored on the request; then its REQUEST is registered as well.
    if (ContextIdFactory.getByRequest(request) === context) return context;
    const { payload } = context as { payload?: object };
    this.moduleRef.registerRequestByContextId(Object.assign(request, payload), context);
    return context;
  }
}
