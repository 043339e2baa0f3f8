import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { decoratedMethods } from '../handlers/hook-metadata.js';
import { Log } from '../util/log.js';
import { hasHooks } from '../handlers/hooks-of.js';
import { toolMethods } from '../tools/tool.decorator.js';

/** Warns about handlers and tools that are ignored, and what to do about it. */
export class Warnings {
  readonly #logger = new Log('Callbacks');
  /** The first module that provides a class, by the class. */
  readonly #providedBy = new WeakMap<object, { readonly name: string }>();

  /** A class with handlers that a second module provides: each module has its own instance, and both are called. */
  ofTwoModules({ token, isNotMetatype, host }: InstanceWrapper, prototype: object): void {
    // Several values or factory results may be intended.
    if (typeof token !== 'function' || isNotMetatype || host === undefined) return;
    const first = this.#providedBy.get(token);
    if (first === undefined) {
      this.#providedBy.set(token, host);
      return;
    }
    if (first === host) return;
    this.#logger.warn(
      `${token.name} is provided twice, in ${first.name} and in ${host.name}: each has an instance of its own, and both are called, so that ${hooksIn(prototype)} acts twice. Keep it under "providers" of one module, list it under "exports" there, and import that module where it is needed.`,
    );
  }

  /** A transient class: each consumer has its own instance. */
  ofTransient(prototype: object): void {
    const why =
      'its class is transient: each of its users has an instance of its own, and none is the one to call';
    if (hasHooks(prototype)) {
      this.#logger.warn(
        `${hooksIn(prototype)} will receive no events, because ${why}. Put the handlers on a provider of the default scope.`,
      );
    }
    const tools = inClass(prototype, toolMethods(prototype));
    if (tools !== '') {
      this.#logger.warn(
        `${tools} will not be offered to agents, because ${why}. Put the tools on a provider of the default scope.`,
      );
    }
  }

  /** A request-scoped factory that nothing injects, and whose token does not reveal the class of its result. */
  ofUnknown({ token }: InstanceWrapper): void {
    this.#logger.warn(
      `What the request-scoped factory of "${String(token)}" makes is not known, and nothing injects it: hooks and tools that it may have are left out. Provide it as its class: { provide: TheClass, useFactory }.`,
    );
  }

  /** A request-scoped factory whose first instance turned out to have handlers or tools. */
  ofLate({ token }: InstanceWrapper, prototype: object): void {
    const tools = inClass(prototype, toolMethods(prototype));
    const all = [...(hasHooks(prototype) ? [hooksIn(prototype)] : []), ...(tools ? [tools] : [])];
    const { name } = prototype.constructor;
    this.#logger.warn(
      `What the request-scoped factory of "${String(token)}" makes was not known before it was first injected: ${all.join(', ')} count from now on. To have them from the start, provide it as its class: { provide: ${name}, useFactory }.`,
    );
  }
}

function hooksIn(prototype: object): string {
  return inClass(prototype, decoratedMethods(prototype)) || prototype.constructor.name;
}

function inClass(prototype: object, found: readonly [method: string, unknown][]): string {
  return found.map(([method]) => `${prototype.constructor.name}.${method}`).join(', ');
}
