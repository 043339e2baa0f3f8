import { Injectable } from '@nestjs/common';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { EventType } from '../events/event-map.js';
import { kindOf } from '../util/known-options.js';
import type { HandlerScope } from './handler-scope.js';
import { DurableHandlers } from './durable-handlers.js';
import { compileTable, type HandlerTable } from './handler-table.js';
import { toHandler, type Handler, type Hook } from './handler.js';
import { discoveredHooks, hooksOf } from './hooks-of.js';
import type { InstanceSource } from './instance-source.js';

/** Removes the registered callbacks. */
export type Remove = () => void;

/** The handlers of one application. Compiles the handlers of a scope when they change, never per event. */
@Injectable()
export class HandlerRegistry {
  #version = 0;
  #listed: readonly Handler[] = [];
  readonly #registered = new Set<Handler>();
  readonly #discovered = new WeakSet<object>();
  readonly #hooks = new WeakMap<object, readonly Hook[]>();
  readonly #attached = new WeakMap<object, readonly Handler[]>();
  /** Valid names for `scope`. */
  readonly #scopes = new Set(['default']);
  #allScopesKnown = false;
  readonly #durable = new DurableHandlers();

  /** Replaces the global callbacks that run before discovered ones. */
  setListed(callbacks: readonly object[]): void {
    const listed = listOf(callbacks)
      .flatMap((object) => this.#hooksOf(object))
      .map((hook) => toHandler(hook));
    this.#checkScopes(listed);
    this.#durable.check(listed, () => [...this.#registered]);
    for (const handler of this.#listed) handler.active = false;
    this.#listed = listed;
    this.#version++;
  }

  /**
   * Registers a provider's handlers, once per instance.
   *
   * @param instances for a provider with many instances, which `instance` represents
   */
  discover(instance: object, instances?: InstanceSource): void {
    if (this.#discovered.has(instance)) return;
    this.#discovered.add(instance);
    const hooks = discoveredHooks(instance, this.#hooksOf(instance, false));
    this.#register(hooks.map((hook) => toHandler(hook, instances)));
  }

  /** Registers callbacks globally, or in their scopes. */
  add(hooks: readonly Hook[]): Remove {
    const handlers = hooks.map((hook) => toHandler(hook));
    this.#register(handlers);
    return () => {
      for (const handler of handlers) {
        handler.active = false;
        this.#registered.delete(handler);
      }
      this.#version++;
    };
  }

  addObjects(callbacks: readonly object[]): Remove {
    return this.add(listOf(callbacks).flatMap((object) => this.#hooksOf(object)));
  }

  /** Checks callbacks of an instance or a call before use; throws for an object without handlers. */
  checkObjects(callbacks: readonly object[], to: 'instance' | 'call'): void {
    const handlers = listOf(callbacks).flatMap((object) => this.#attachedHandlers(object));
    this.#durable.checkAttached(handlers, to, this.handlers());
  }

  /** Declares a scope. */
  addScope(name: string): void {
    this.#scopes.add(name);
  }

  /** Called once all features are known: an unknown scope is an error from now on. */
  checkScopes(): void {
    this.#allScopesKnown = true;
    this.#checkScopes(this.handlers());
  }

  /** Called once it is known whether there is a job queue: a durable handler without one is an error from now on. */
  checkDurable(hasQueue: boolean): void {
    this.#durable.checkStart(hasQueue, this.handlers());
  }

  /** Called once jobs may arrive: a durable handler of an instance created later is an error. */
  closeDurable(): void {
    this.#durable.close();
  }

  /** The durable handler with this name and event type. */
  durableHandler(jobName: string, type: EventType): Handler | undefined {
    return this.#durable.find(jobName, type, this.handlers());
  }

  /** All handlers that are not attached to an instance or a call. */
  handlers(): readonly Handler[] {
    return [...this.#listed, ...this.#registered];
  }

  /** All handlers, including those of instances, in the order in which they handle each event. */
  survey(attached: readonly object[]): HandlerTable {
    return compileTable([
      ...inOrder(this.handlers()),
      ...attached.flatMap((object) => this.#attachedHandlers(object)),
    ]);
  }

  /** The handlers of a scope. */
  tableFor(handlerScope: HandlerScope): HandlerTable {
    if (handlerScope.compiled?.version !== this.#version) {
      handlerScope.compiled = { version: this.#version, table: this.#compile(handlerScope) };
    }
    return handlerScope.compiled.table;
  }

  #register(handlers: readonly Handler[]): void {
    this.#checkScopes(handlers);
    this.#durable.check(handlers, () => this.handlers());
    for (const handler of handlers) this.#registered.add(handler);
    this.#version++;
  }

  #compile({ scopes, attached, excluded }: HandlerScope): HandlerTable {
    const around = scopes.length === 0 ? ['default'] : scopes;
    const handlers = [
      ...inOrder(this.handlers()),
      ...attached.flatMap((object) => this.#attachedHandlers(object)),
    ];
    return compileTable(
      handlers.filter(
        (handler) =>
          !excluded.has(handler.target) &&
          (handler.scopes?.some((scope) => around.includes(scope)) ?? true),
      ),
    );
  }

  #attachedHandlers(object: object): readonly Handler[] {
    let handlers = this.#attached.get(object);
    if (handlers === undefined) {
      handlers = this.#hooksOf(object).map((hook) => toHandler(hook));
      this.#checkScopes(handlers);
      this.#attached.set(object, handlers);
    }
    return handlers;
  }

  #hooksOf(object: object, required = true): readonly Hook[] {
    if (typeof object !== 'object' || object === null) {
      throw new CallbacksConfigurationError(
        `A callback must be an object, but got ${typeof object === 'function' ? `the class or function ${(object as { name: string }).name}; give an instance` : String(object)}.`,
      );
    }
    let hooks = this.#hooks.get(object);
    if (hooks === undefined) {
      hooks = hooksOf(object);
      this.#hooks.set(object, hooks);
    }
    if (hooks.length === 0 && required) {
      throw new CallbacksConfigurationError(
        `${object.constructor?.name ?? 'An object'} was given as a callback but has no handlers: decorate a method, for example with @OnLlmEnd(), or name one onLlmEnd.`,
      );
    }
    return hooks;
  }

  #checkScopes(handlers: readonly Handler[]): void {
    if (!this.#allScopesKnown) return;
    const known = this.#scopes;
    for (const { name, scopes } of handlers) {
      const unknown = scopes?.find((scope) => !known.has(scope));
      if (unknown === undefined) continue;
      throw new CallbacksConfigurationError(
        `${name} has the scope "${unknown}", but no client has that name. Known are: ${[...known].join(', ')}; others come from CallbacksModule.forFeature({ name }).`,
      );
    }
  }
}

/** Global handlers come before those of scopes. */
function inOrder(registered: readonly Handler[]): Handler[] {
  return [
    ...registered.filter((handler) => handler.scopes === undefined),
    ...registered.filter((handler) => handler.scopes !== undefined),
  ];
}

function listOf(callbacks: readonly object[]): readonly object[] {
  if (Array.isArray(callbacks)) return callbacks as readonly object[];
  throw new CallbacksConfigurationError(
    `callbacks must be a list of objects, not ${kindOf(callbacks)}.`,
  );
}
