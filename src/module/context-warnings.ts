import { Injectable } from '@nestjs/common';
import { APP_INTERCEPTOR, ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { Agent } from '../agent/agent.js';
import { CallbacksService } from './callbacks.service.js';
import { LlmService } from '../llm/llm.service.js';
import { Log } from '../util/log.js';
import { RequestContextInterceptor } from '../request-context/request-context.interceptor.js';
import { Tracer } from '../runs/tracer.js';

/** The token of the options of `@nestjs/graphql`, and the metadata key of its `@ResolveField()`. */
const GRAPHQL_OPTIONS = 'GqlModuleOptions';
const FIELD_RESOLVER = 'graphql:resolve_property';

/** Warns at start-up about runs that will have no request context, as far as the modules show it. */
@Injectable()
export class ContextWarnings {
  readonly #logger = new Log('Callbacks');

  constructor(private readonly modules: ModulesContainer) {}

  check(): void {
    const providers = [...this.modules.values()].flatMap((module) => [...module.providers]);
    this.#checkInterceptors(providers);
    this.#checkFieldResolvers(providers);
  }

  /** Nest calls global interceptors in the order of their modules, the root module first. */
  #checkInterceptors(providers: readonly Provided[]): void {
    const global = providers
      .filter(([token]) => String(token).startsWith(`${APP_INTERCEPTOR} (`))
      .map(([, wrapper]) => wrapper);
    const ours = global.findIndex(({ instance }) => instance instanceof RequestContextInterceptor);
    // Request-scoped interceptors run after all others, wherever they are provided.
    const before = global.slice(0, Math.max(ours, 0)).filter(isStatic);
    const early = namesOf(before.filter(startsRuns));
    if (early === '') return;
    this.#logger.warn(
      `${early} can start runs, but is called before the request context is there: those runs will have neither its ids nor its user. Provide the interceptor in a module that is imported after CallbacksModule, instead of in the root module.`,
    );
  }

  #checkFieldResolvers(providers: readonly Provided[]): void {
    const options = providers.filter(([token]) => token === GRAPHQL_OPTIONS);
    // The list is empty if GraphQL is not used.
    if (options.every(([, { instance }]) => bearsInterceptors(instance))) return;
    const resolvers = providers.map(([, wrapper]) => wrapper).filter(hasFieldResolvers);
    const names = namesOf(resolvers.filter(startsRuns));
    if (names === '') return;
    this.#logger.warn(
      `The runs of the @ResolveField() methods of ${names} will have no request context, because field resolvers have no interceptors unless GraphQLModule says so: give it fieldResolverEnhancers: ['interceptors', 'filters'].`,
    );
  }
}

function isStatic(wrapper: InstanceWrapper): boolean {
  return wrapper.isDependencyTreeStatic();
}

type Provided = readonly [token: unknown, wrapper: InstanceWrapper];

/** Whether it depends on a service that starts runs, directly or indirectly. */
function startsRuns(wrapper: InstanceWrapper): boolean {
  // Dependencies may be circular; iterating a set also visits entries added meanwhile, each once.
  const reached = new Set([wrapper]);
  for (const each of reached) {
    const instance: unknown = each.instance;
    if (STARTERS.some((starter) => instance instanceof starter)) return true;
    // Most providers that inject it only set the user.
    if (instance instanceof CallbacksService) continue;
    for (const dependency of dependenciesOf(each)) reached.add(dependency);
  }
  return false;
}

const STARTERS = [LlmService, Agent, Tracer];

/** The lists may be undefined at runtime, despite their types. */
function dependenciesOf(wrapper: InstanceWrapper): InstanceWrapper[] {
  const injected = wrapper.getCtorMetadata() as InstanceWrapper[] | undefined;
  const properties = wrapper.getPropertiesMetadata() as { wrapper: InstanceWrapper }[] | undefined;
  return [...(injected ?? []), ...(properties ?? []).map((property) => property.wrapper)];
}

function hasFieldResolvers({ metatype }: InstanceWrapper): boolean {
  const prototype: unknown = typeof metatype === 'function' ? metatype.prototype : undefined;
  if (typeof prototype !== 'object' || prototype === null) return false;
  return functionsOf(prototype).some(
    (method) => Reflect.getMetadata(FIELD_RESOLVER, method) === true,
  );
}

/** The methods of a class, own and inherited; no getter is called. */
function functionsOf(prototype: object): object[] {
  const found: object[] = [];
  for (
    let owner: object | null = prototype;
    owner && owner !== Object.prototype;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(owner)))
      if (typeof value === 'function') found.push(value as object);
  }
  return found;
}

function bearsInterceptors(options: unknown): boolean {
  const { fieldResolverEnhancers } = Object(options) as { fieldResolverEnhancers?: unknown };
  return Array.isArray(fieldResolverEnhancers) && fieldResolverEnhancers.includes('interceptors');
}

function namesOf(wrappers: readonly InstanceWrapper[]): string {
  return wrappers.map(nameOf).join(', ');
}

/** The token of a global interceptor's factory is not descriptive. */
function nameOf({ instance, metatype, name }: InstanceWrapper): string {
  const { constructor } = Object(instance ?? metatype?.prototype) as object;
  return constructor === Object ? String(name) : constructor.name;
}
