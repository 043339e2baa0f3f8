import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Module } from '@nestjs/core/injector/module.js';
import 'reflect-metadata';
import { CallbacksConfigurationError } from '../errors/callbacks-error.js';
import { hasHandlers } from '../handlers/find-handlers.js';
import { decoratedMethods } from '../handlers/metadata.js';
import { toolMethods } from '../tools/tool.decorator.js';
import { nearest } from '../util/known-options.js';
import { Log } from '../util/log.js';

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
      `${token.name} is provided twice, in ${first.name} and in ${host.name}: each has an instance of its own, and both are called, so that ${handlersOn(prototype)} acts twice. Keep it under "providers" of one module, list it under "exports" there, and import that module where it is needed.`,
    );
  }

  /** A transient class: each consumer has its own instance. */
  ofTransient(prototype: object): void {
    const why =
      'its class is transient: each of its users has an instance of its own, and none is the one to call';
    if (hasHandlers(prototype)) {
      this.#logger.warn(
        `${handlersOn(prototype)} will receive no events, because ${why}. Put the handlers on a provider of the default scope.`,
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
      `What the request-scoped factory of "${String(token)}" makes is not known, and nothing injects it: handlers and tools that it may have are left out. Provide it as its class: { provide: TheClass, useFactory }.`,
    );
  }

  /** A request-scoped factory whose first instance turned out to have handlers or tools. */
  ofLate({ token }: InstanceWrapper, prototype: object): void {
    const tools = inClass(prototype, toolMethods(prototype));
    const all = [
      ...(hasHandlers(prototype) ? [handlersOn(prototype)] : []),
      ...(tools ? [tools] : []),
    ];
    const { name } = prototype.constructor;
    this.#logger.warn(
      `What the request-scoped factory of "${String(token)}" makes was not known before it was first injected: ${all.join(', ')} count from now on. To have them from the start, provide it as its class: { provide: ${name}, useFactory }.`,
    );
  }
}

function handlersOn(prototype: object): string {
  return inClass(prototype, decoratedMethods(prototype)) || prototype.constructor.name;
}

function inClass(prototype: object, found: readonly [method: string, unknown][]): string {
  return found.map(([method]) => `${prototype.constructor.name}.${method}`).join(', ');
}

/** The symbols of named clients: `@InjectLlm('support')` uses `nestjs-llm-callbacks:llm:support`. */
const CLIENT_TOKEN = /^nestjs-llm-callbacks:(?<kind>llm|agent):(?<name>.*)$/s;
/** Where Nest stores the tokens of `@Inject()` for a constructor's parameters, and for properties. */
const PARAMETERS = 'self:paramtypes';
const PROPERTIES = 'self:properties_metadata';

/**
 * Rejects the injection of an unknown client, or of one that a module does not import. For Nest, clients injected by
 * name are optional, because its own error would contain neither the name nor the known clients.
 */
export function checkInjectedClients(modules: Iterable<Module>): void {
  const all = [...modules];
  for (const module of all) {
    for (const collection of [module.providers, module.controllers, module.injectables]) {
      for (const wrapper of collection.values()) checkProvider(wrapper, module, all);
    }
  }
}

function checkProvider(wrapper: InstanceWrapper, module: Module, all: readonly Module[]): void {
  for (const token of injectedByName(wrapper)) {
    const { kind, name = '' } = clientOf(token);
    if (kind === undefined || sees(module, token)) continue;
    const what = kind === 'llm' ? 'client' : 'agent';
    const wants = `${String(wrapper.name)} in ${module.name} wants the ${what} "${name}"`;
    if (all.some(({ providers }) => providers.has(token as symbol))) {
      throw new CallbacksConfigurationError(
        `${wants}, which ${module.name} does not import: keep CallbacksModule.forFeature({ name: '${name}' }) in a variable, and list it under "imports" there too.`,
      );
    }
    const known = ['default', ...new Set(all.flatMap(namesIn))];
    const near = nearest(name, known);
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
    throw new CallbacksConfigurationError(
      `${wants}, but no client has that name.${hint} Known are: ${known.join(', ')}; others come from CallbacksModule.forFeature({ name }).`,
    );
  }
}

/** The tokens that decorators of a class inject. */
function injectedByName({ metatype }: InstanceWrapper): unknown[] {
  if (typeof metatype !== 'function') return [];
  const parameters = Reflect.getMetadata(PARAMETERS, metatype) as { param: unknown }[] | undefined;
  const properties = Reflect.getMetadata(PROPERTIES, metatype) as { type: unknown }[] | undefined;
  return [
    ...(parameters ?? []).map(({ param }) => param),
    ...(properties ?? []).map(({ type }) => type),
  ];
}

function clientOf(token: unknown): { kind?: string; name?: string } {
  const key = typeof token === 'symbol' ? Symbol.keyFor(token) : undefined;
  return CLIENT_TOKEN.exec(key ?? '')?.groups ?? {};
}

function namesIn({ providers }: Module): string[] {
  return [...providers.keys()].flatMap((token) => {
    const { kind, name } = clientOf(token);
    return kind === 'llm' && name !== undefined ? [name] : [];
  });
}

/** Whether Nest finds a token for a module: its own, or one that an import exports; global modules are imported too. */
function sees({ providers, imports }: Module, token: unknown): boolean {
  const seen = new Set<Module>();
  const left = [...imports];
  if (providers.has(token as symbol)) return true;
  for (let module = left.pop(); module !== undefined; module = left.pop()) {
    if (seen.has(module)) continue;
    seen.add(module);
    const { exports } = module;
    if (exports.has(token as symbol) && module.providers.has(token as symbol)) return true;
    left.push(...[...module.imports].filter(({ metatype }) => exports.has(metatype)));
  }
  return false;
}
