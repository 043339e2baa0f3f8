import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, type ContextId } from '@nestjs/core';
import type { InstanceOwner } from '../handlers/instance-source.js';

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
