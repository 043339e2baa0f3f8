import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, type ContextId } from '@nestjs/core';
import type { InstanceOwner } from '../handlers/instance-source.js';

/** Gives every owner of instances the context id under which Nest keeps them. */
@Injectable()
export class InstanceContexts {
  /** By request, or by the root of a tree of runs; both go when nobody else holds them any more. */
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

  /** The context in which Nest has built the request's controller, or a new one where that is no request's own. */
  #ofRequest(request: object): ContextId {
    const context = ContextIdFactory.getByRequest(request);
    // Nest gives the same one again only if it stands on the request; then its REQUEST is there as well.
    if (ContextIdFactory.getByRequest(request) === context) return context;
    const { payload } = context as { payload?: object };
    this.moduleRef.registerRequestByContextId(Object.assign(request, payload), context);
    return context;
  }
}
