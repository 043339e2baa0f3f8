import { Injectable } from '@nestjs/common';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import type { EventType } from '../events/event-map.js';
import { kindOf } from '../util/known-options.js';
import { discoveredSpecs, specsOf } from './find-handlers.js';
import { compileTable, type HandlerScope, type HandlerTable } from './handler-scope.js';
import { type Handler, type HandlerSpec, type InstanceSource, toHandler } from './handler.js';

/** Removes the registered callbacks. */
export type Remove = () => void;

/** The handlers of one application. Compiles the handlers of a scope when they change, never per event. */
@Injectable()
export class HandlerRegistry {
  #version = 0;
  #listed: readonly Handler[] = [];
  readonly #registered = new Set<Handler>();
  readonly #discovered = new WeakSet<object>();
  readonly #specs = new WeakMap<object, readonly HandlerSpec[]>();
  readonly #attached = new WeakMap<object, readonly Handler[]>();
  /** Valid names for `scope`. */
  readonly #scopes = new Set(['default']);
  #allScopesKnown = false;
  readonly #durable = new DurableHandlers();

  /** Replaces the global callbacks that run before discovered ones. */
  setListed(callbacks: readonly object[]): void {
    const listed = listOf(callbacks)
      .flatMap((object) => this.#specsOf(object))
      .map((spec) => toHandler(spec));
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
    const specs = discoveredSpecs(instance, this.#specsOf(instance, false));
    this.#register(specs.map((spec) => toHandler(spec, instances)));
  }

  /** Registers callbacks globally, or in their scopes. */
  add(specs: readonly HandlerSpec[]): Remove {
    const handlers = specs.map((spec) => toHandler(spec));
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
    return this.add(listOf(callbacks).flatMap((object) => this.#specsOf(object)));
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
      handlers = this.#specsOf(object).map((spec) => toHandler(spec));
      this.#checkScopes(handlers);
      this.#attached.set(object, handlers);
    }
    return handlers;
  }

  #specsOf(object: object, required = true): readonly HandlerSpec[] {
    if (typeof object !== 'object' || object === null) {
      throw new CallbacksConfigurationError(
        `A callback must be an object, but got ${typeof object === 'function' ? `the class or function ${(object as { name: string }).name}; give an instance` : String(object)}.`,
      );
    }
    let specs = this.#specs.get(object);
    if (specs === undefined) {
      specs = specsOf(object);
      this.#specs.set(object, specs);
    }
    if (specs.length === 0 && required) {
      throw new CallbacksConfigurationError(
        `${object.constructor?.name ?? 'An object'} was given as a callback but has no handlers: decorate a method, for example with @OnLlmEnd(), or name one onLlmEnd.`,
      );
    }
    return specs;
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

/** The durable handlers of one application; the job queue's worker finds them by name. */
class DurableHandlers {
  /** Unknown until the application starts. */
  #hasQueue: boolean | undefined;
  #isOpen = true;
  /** Handlers of clients and agents, which are not in the registry. */
  readonly #ofInstances = new Map<HandlerSpec, Handler>();

  /** @param known handlers that are already registered */
  checkStart(hasQueue: boolean, known: readonly Handler[]): void {
    this.#hasQueue = hasQueue;
    this.check([...known, ...this.#ofInstances.values()], () => known);
  }

  /** Jobs may arrive from now on: a handler registered later would be unknown in another process. */
  close(): void {
    this.#isOpen = false;
  }

  /** Rejects durable handlers that a worker cannot find, or whose names are not unique. */
  check(added: readonly Handler[], known: () => readonly Handler[]): void {
    const durable = added.filter(isDurable);
    if (durable.length === 0) return;
    if (this.#hasQueue === false) {
      throw new CallbacksConfigurationError(
        `${durable[0]!.name} has background: 'durable', but there is no job queue. Give one, as CallbacksModule.forRoot({ background: { queue: new BullmqJobQueue({ connection }) } }), or make it background: true.`,
      );
    }
    const all = [...durable, ...this.#all(known())];
    for (const handler of durable) {
      const other = all.find((one) => one.jobName === handler.jobName && !isSame(one, handler));
      if (other === undefined) continue;
      throw new CallbacksConfigurationError(
        `Two durable handlers are named "${handler.jobName}": ${handler.name} and ${other.name}. The job queue knows them by that name: give each its own, as in { background: 'durable', name: 'audit' }.`,
      );
    }
  }

  /** Checks durable handlers of callbacks passed to a client, an agent or a call. */
  checkAttached(handlers: readonly Handler[], to: 'instance' | 'call', known: readonly Handler[]) {
    const isKnown = ({ spec }: Handler) =>
      this.#ofInstances.has(spec) || known.some((one) => one.spec === spec);
    const unknown = handlers.filter((handler) => isDurable(handler) && !isKnown(handler));
    if (unknown.length === 0) return;
    if (to === 'call' || !this.#isOpen) {
      throw new CallbacksConfigurationError(
        `${unknown[0]!.name} has background: 'durable', but was given to ${to === 'call' ? 'a single call' : 'an agent that was made while the application ran'}, where no other process could find it. Make it a provider, or give it to forRoot or forFeature.`,
      );
    }
    this.check(unknown, () => known);
    for (const handler of unknown) this.#ofInstances.set(handler.spec, handler);
  }

  find(jobName: string, type: EventType, known: readonly Handler[]): Handler | undefined {
    const named = this.#all(known).filter((handler) => handler.jobName === jobName);
    return (
      named.find(({ selector }) => selector === type) ??
      named.find(({ selector }) => selector === '*')
    );
  }

  #all(known: readonly Handler[]): Handler[] {
    return [...known, ...this.#ofInstances.values()].filter(isDurable);
  }
}

function isDurable({ background }: Handler): boolean {
  return background === 'durable';
}

/** One method may handle several events. */
function isSame(a: Handler, b: Handler): boolean {
  return a.target === b.target && a.method === b.method;
}

/** Where handlers come from. Called before a run's handlers are looked up, so that new providers are included. */
export abstract class HandlerSource {
  abstract refresh(): void;
}
